"""Conversions that are refused for what is in the images: what is said, and what is left to read and to go on with."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from fitfeed.beam_jobs import plan_conversion
from fitfeed.cli import main
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.verify import verify_dataset
from fitfeed.schemas.errors import DuplicateImagesError, SplitLeakError, TooManyRejectsError
from fitfeed.schemas.index import Index
from fitfeed.schemas.manifest import read_manifest
from tests.without_beam import convert, without_beam

HALVES = {"train": 0.5, "validation": 0.5}


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    """Twelve pictures, and a copy of each, as another class for two of them."""
    source = tmp_path / "photos"
    for name in ("cat", "dog"):
        (source / name).mkdir(parents=True)
        for number in range(6):
            picture = Image.new("RGB", (2, 2), (number * 20, 9, ord(name[0])))
            picture.save(source / name / f"{number}.png")
            picture.save(source / name / f"{number} (copy).png")
    for number in (0, 1):
        (source / "cat" / f"{number} (copy).png").rename(source / "dog" / f"cat {number}.png")
    return source


def keys(dataset: Path) -> dict[str, str]:
    """Key to split."""
    splits = read_manifest(dataset).splits
    indexes = {name: Index(dataset / split.index.file) for name, split in splits.items()}
    return {index.key(row): name for name, index in indexes.items() for row in range(len(index))}


def test_copies_that_the_hash_has_put_apart_can_be_dropped(copies: Path, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    with pytest.raises(SplitLeakError) as caught:
        convert(copies, dataset, ConvertOptions(split=HALVES, shards=2))
    assert "give --duplicates drop, which keeps the first of each by path" in caught.value.args[-1]
    options = ConvertOptions(split=HALVES, shards=2, duplicates="drop")
    done = convert(copies, dataset, options, max_bad=2)
    assert done.reused_shards == 4
    # The first by path; what was converted under two labels is a reject.
    assert keys(dataset).keys() == {
        *(f"cat/{number} (copy).png" for number in range(2, 6)),
        *(f"cat/{number}.png" for number in (0, 1)),
        *(f"dog/{number} (copy).png" for number in range(6)),
    }
    found = done.manifest.duplicates
    assert (found.within, found.across_splits, found.label_conflicts, found.dropped) == (0, 0, 0, 12)
    assert done.manifest.rejects == {"label_conflict": 2}
    assert verify_dataset(dataset).ok
    assert convert(copies, dataset, options).up_to_date


def test_an_image_stays_in_the_split_that_its_key_has(copies: Path, tmp_path: Path) -> None:
    convert(copies, tmp_path / "all", ConvertOptions(split=HALVES), allow_leaks=True)
    convert(copies, tmp_path / "one", ConvertOptions(split=HALVES, duplicates="drop"), max_bad=2)
    assert keys(tmp_path / "one").items() <= keys(tmp_path / "all").items()


@pytest.mark.parametrize("first", ["train", "validation"])
def test_nothing_may_be_left_of_another_split(tmp_path: Path, first: str) -> None:
    source, dataset = tmp_path / "photos", tmp_path / "dataset"
    (source / "a").mkdir(parents=True)
    for number in range(9):
        Image.new("RGB", (2, 2)).save(source / "a" / f"{number}.png")
    options = next(each for each in drop_with_seeds() if split_of_the_first(source, dataset, each) == first)
    if first == "train":
        convert(source, dataset, options)
        assert keys(dataset) == {"a/0.png": "train"}
        assert read_manifest(dataset).splits["validation"].examples == 0
        assert verify_dataset(dataset).ok
    else:  # there would be no statistics
        with pytest.raises(TooManyRejectsError, match="no image of split 'train'"):
            convert(source, dataset, options)


def drop_with_seeds() -> Iterator[ConvertOptions]:
    return (ConvertOptions(split=HALVES, duplicates="drop", seed=seed) for seed in range(50))


def split_of_the_first(source: Path, dataset: Path, options: ConvertOptions) -> str:
    shards = plan_conversion(source, dataset, options).plan.shards
    return next(shard.split for shard in shards if "a/0.png" in shard.keys)


def leaks(source: Path) -> list[str]:
    return ["--split", "train=0.5,validation=0.5"]


def duplicates(source: Path) -> list[str]:
    return ["--duplicates", "fail"]


def damaged(source: Path) -> list[str]:
    for number in range(7):
        (source / "cat" / f"bad {number}.png").write_bytes(b"\x89PNG")
    return []


@pytest.mark.parametrize(
    ("spoil", "kind", "listed"),
    [
        (leaks, SplitLeakError, "pairs_file"),
        (duplicates, DuplicateImagesError, "pairs_file"),
        (damaged, TooManyRejectsError, "rejects_file"),
    ],
)
def test_the_whole_lists_are_files_that_are_named(
    copies: Path,
    tmp_path: Path,
    spoil: Callable[[Path], list[str]],
    kind: type[SplitLeakError],
    listed: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    dataset = tmp_path / "dataset"
    arguments = ["convert", str(copies), str(dataset), *spoil(copies)]
    for _ in range(2):  # it may be read at leisure, and is not in the way of the same command
        with without_beam():
            assert main([*arguments, "--json", "--quiet"]) == kind.exit_status
        printed = capsys.readouterr()
        error = json.loads(printed.out)["error"]
        assert (error["status"], error["kind"]) == (kind.exit_status, kind.__name__)
        assert printed.err == f"fitfeed convert: {chr(10).join(error['message'])}\n"
        details = error["details"]
        assert f"{details[listed]} lists all" in printed.err
        pairs = [json.loads(line) for line in Path(details["pairs_file"]).read_text().splitlines()]
        rejects = [json.loads(line) for line in Path(details["rejects_file"]).read_text().splitlines()]
    assert len({(pair["path"], pair["of"], pair["kind"]) for pair in pairs}) == len(pairs) >= 12
    assert all((copies / pair["path"]).exists() for pair in pairs)
    assert sum(pair["kind"] == "split_leak" for pair in pairs) == details["copies"]["across_splits"]
    assert len(rejects) == sum(details["rejects"].values()) == (7 if spoil is damaged else 0)
    # Another command begins anew, and sweeps them.
    options = ConvertOptions(size=(2, 2))
    convert(copies, dataset, options, max_bad=7)
    assert not (dataset / ".work").exists()
    assert verify_dataset(dataset).ok
