"""Which files `--include` and `--exclude` take."""

import fnmatch
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fitfeed.converters.file_columns import FileColumns
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources.choose_files import choose_files
from fitfeed.converters.sources.links import SourceLinks
from fitfeed.converters.sources.listing import Listing
from fitfeed.schemas.errors import UsageError


def listing(*paths: str) -> Listing:
    files = FileColumns.of(SourceFile(path, 1, 1) for path in paths)
    return Listing(files=files, rejects=[], ignored=[], links=SourceLinks(Path.cwd(), "follow"))


def chosen(paths: tuple[str, ...], **options: tuple[str, ...]) -> tuple[list[str], list[str]]:
    found, warnings = choose_files(listing(*paths), ConvertOptions(**options))  # type: ignore[arg-type]
    assert sorted(
        [*(file.path for file in found.files), *(reject.path for reject in found.ignored)]
    ) == sorted(paths)
    return [file.path for file in found.files], warnings


PATHS = ("Meta/1.png", "cat/1.jpg", "cat/1_mask.png", "train/cat/2.jpg", "training.jpg")


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ({"exclude": ("Meta",)}, PATHS[1:]),
        ({"exclude": ("Meta/*", "*_mask.*")}, (PATHS[1], *PATHS[3:])),
        ({"exclude": ("train/",)}, (*PATHS[:3], PATHS[4])),
        ({"include": ("*.jpg",)}, (PATHS[1], *PATHS[3:])),
        ({"include": ("cat",), "exclude": ("*.png",)}, (PATHS[1],)),
        ({"include": ("*/[12].*", "./cat/1.jpg")}, (PATHS[0], PATHS[1], PATHS[3])),
    ],
)
def test_patterns_are_held_against_paths_and_their_folders(
    options: dict[str, tuple[str, ...]], left: tuple[str, ...]
) -> None:
    assert chosen(PATHS, **options) == (list(left), [])


def test_left_out_files_are_ignored_with_the_reason() -> None:
    found, _ = choose_files(listing(*PATHS), ConvertOptions(include=("*.png",), exclude=("Meta",)))
    details = {reject.path: reject.detail for reject in found.ignored}
    assert details["Meta/1.png"] == "ignored: --exclude 'Meta'"
    assert details["training.jpg"] == "ignored: no --include fits"
    assert {(reject.reason, reject.handling) for reject in found.ignored} == {("left_out", "ignored")}


def test_patterns_that_fit_nothing_are_said() -> None:
    _, warnings = chosen(PATHS, exclude=("meta", "cat"))
    assert warnings == ["no image fits the pattern 'meta' of --include or --exclude"]
    with pytest.raises(UsageError, match=r"leave no image of SOURCE.*for example 'Meta/1\.png'"):
        chosen(PATHS, exclude=("*",))


NAMES = st.text("ab.*[", min_size=1, max_size=3)
TREES = st.lists(st.lists(NAMES, min_size=1, max_size=3).map("/".join), min_size=1, max_size=8, unique=True)


@given(TREES, st.text("ab.*?/", min_size=1, max_size=4))
def test_a_pattern_fits_what_fnmatch_says_of_the_path_or_a_folder(paths: list[str], pattern: str) -> None:
    assume(not pattern.startswith(("/", "./")) and not pattern.endswith("/"))
    fitting = [
        path for path in paths if any(fnmatch.fnmatchcase(each, pattern) for each in _with_folders(path))
    ]
    assume(len(fitting) < len(paths))
    left, _ = chosen(tuple(paths), exclude=(pattern,))
    assert left == [path for path in paths if path not in fitting]


def _with_folders(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
