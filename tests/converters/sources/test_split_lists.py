"""Splits that come as lists of images."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources.image_lookup import TablePaths
from fitfeed.converters.sources.links import SourceLinks
from fitfeed.converters.sources.split_lists import ListedSplits, named_lists, read_split_lists
from fitfeed.schemas.errors import NotFoundError, SplitLeakError, UsageError

FILES = [SourceFile(path, 1, 1) for path in ("cat/1.jpg", "cat/2.jpg", "dog/3.jpg", "dog/4.jpg")]


def read(folder: Path, **lists: str) -> ListedSplits:
    for name, text in lists.items():
        (folder / f"{name}.txt").write_text(text)
    paths = TablePaths(SourceLinks(folder))
    return read_split_lists(FILES, paths, named_lists({name: folder / f"{name}.txt" for name in lists}))


def test_paths_names_and_stems(tmp_path: Path) -> None:
    found = read(tmp_path, test="cat/1.jpg\r\n\n 2.jpg \n", val="dog/3\n")
    assert found.split_of == {"cat/1.jpg": "test", "cat/2.jpg": "test", "dog/3.jpg": "validation"}
    assert (found.rest, found.rejects) == ("train", [])
    assert read(tmp_path, train="1\n", test="2\n").rest is None


def test_lines_that_name_no_image_are_rejects(tmp_path: Path) -> None:
    (reject,) = read(tmp_path, test="1.jpg\ncat/9.jpg\n").rejects
    assert (reject.path, reject.reason) == ("cat/9.jpg", "vanished")
    assert reject.detail.startswith("test.txt, line 2: 'cat/9.jpg' is not among")
    with pytest.raises(
        UsageError, match=r"no line of .*test\.txt names an image of SOURCE. The first: test\.txt, line 1"
    ):
        read(tmp_path, test="x\ny\n")


def test_an_image_in_two_lists_is_a_leak(tmp_path: Path) -> None:
    with pytest.raises(
        SplitLeakError, match=r"cat/1\.jpg is in the lists of two splits, .*\(train\) and .*\(test\)"
    ):
        read(tmp_path, train="cat/1.jpg\n", test="1\n")


def test_names_of_lists(tmp_path: Path) -> None:
    assert list(named_lists({"training": "a", "val": "b", "extra": "c"})) == ["train", "validation", "extra"]
    with pytest.raises(UsageError, match="gives the split 'validation' two lists, a and b"):
        named_lists({"val": "a", "valid": "b"})
    with pytest.raises(UsageError, match=r"Received: --split-list \.\./x=a"):
        named_lists({"../x": "a"})
    with pytest.raises(NotFoundError, match="--split-list"):
        read_split_lists(FILES, TablePaths(SourceLinks(tmp_path)), {"test": tmp_path / "none.txt"})


@given(st.lists(st.sampled_from(["train", "validation", "test", None]), min_size=4, max_size=4))
def test_every_image_is_where_its_list_says(
    tmp_path_factory: pytest.TempPathFactory, wanted: list[str | None]
) -> None:
    folder = tmp_path_factory.mktemp("lists")
    lists: dict[str, str] = {}
    for file, split in zip(FILES, wanted, strict=True):
        if split is not None:
            lists[split] = lists.get(split, "") + f"{file.path}\n"
    found = read(folder, **lists)
    rest = None if "train" in wanted else "train"
    assert [found.split_of.get(file.path, found.rest) for file in FILES] == [
        split or rest for split in wanted
    ]
