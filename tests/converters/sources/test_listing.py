"""Listing, splits and classes."""

import errno
import os
import subprocess
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.converters.file_columns import FileColumns
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.rejects import text_path
from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources import image_names
from fitfeed.converters.sources import listing as listing_module
from fitfeed.converters.sources.examples import in_split_order
from fitfeed.converters.sources.folder_labels import label_by_folders
from fitfeed.converters.sources.links import SourceLinks
from fitfeed.converters.sources.listing import MAX_LISTINGS, Listing, list_folder
from fitfeed.schemas.errors import NotFoundError, UsageError

JPEG = b"\xff\xd8\xff\xe0rest"


def make(root: Path, *names: str, content: bytes = JPEG) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def labels(*paths: str, class_from: str = "first", split: bool = True) -> dict[str, tuple[str, str | None]]:
    files = FileColumns.of(SourceFile(path, 1, 0) for path in paths)
    shares = None if split else {"train": 1.0}
    example_table, _, _ = label_by_folders(files, ConvertOptions(class_from=class_from, split=shares))  # type: ignore[arg-type]
    return {
        file.path: (example_table.value("label", i), example_table.splits[i])
        for i, file in enumerate(example_table.files)
    }


def test_lists_images_and_says_what_it_ignores(tmp_path: Path) -> None:
    make(tmp_path, "a/1.jpg", "a/deep/er/2.PNG", "b/3.JPeG", "b/none", "b/odd.v1")
    make(
        tmp_path,
        "a/notes.txt",
        "b/Thumbs.db",
        "b/.hidden.jpg",
        ".git/x.jpg",
        "b/text",
        "__MACOSX/a.jpg",
        content=b"text",
    )
    listing = list_folder(tmp_path)
    assert [file.path for file in listing.files] == [
        "a/1.jpg",
        "a/deep/er/2.PNG",
        "b/3.JPeG",
        "b/none",
        "b/odd.v1",
    ]
    ignored = {reject.path: reject.detail for reject in listing.ignored}
    assert set(ignored) == {"a/notes.txt", "b/Thumbs.db", "b/.hidden.jpg", ".git", "b/text", "__MACOSX"}
    assert "hidden" in ignored[".git"]
    assert {reject.handling for reject in listing.ignored} == {"ignored"}


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    make(tmp_path, "a/1.jpg")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "a" / "broken.jpg").symlink_to(tmp_path / "nothing")
    listing = list_folder(tmp_path)
    assert [file.path for file in listing.files] == ["a/1.jpg", "a/broken.jpg", "b/1.jpg", "b/broken.jpg"]
    assert [reject.path for reject in listing.ignored] == ["a/loop", "b/loop"]


def paths(listing: Listing) -> list[str]:
    return [file.path for file in listing.files]


def multiply(root: Path, levels: int) -> None:
    """Folders of which each has two links to the next one; the last has an image."""
    make(root, f"{levels:02}/1.jpg")
    for level in range(levels):
        (root / f"{level:02}").mkdir()
        for name in "ab":
            (root / f"{level:02}" / name).symlink_to(f"../{level + 1:02}")


def test_links_that_multiply_are_not_followed_without_end(tmp_path: Path) -> None:
    multiply(tmp_path, levels=18)
    listing = list_folder(tmp_path)
    assert len(listing.files) == MAX_LISTINGS
    assert "18/1.jpg" in paths(listing)  # the way without a link comes first
    assert isinstance(listing.links, SourceLinks)
    assert listing.links.not_followed == len(listing.ignored)
    assert {reject.detail for reject in listing.ignored} == {
        "ignored: link to a folder that is listed 16 times already"
    }


def test_links_that_multiply_out_of_the_source(tmp_path: Path) -> None:
    multiply(tmp_path / "away", levels=60)  # Linux follows 40 links in a path
    make(tmp_path / "source", "a/1.jpg")
    (tmp_path / "source" / "a" / "b").symlink_to(tmp_path / "away" / "00")
    listing = list_folder(tmp_path / "source")
    assert len(listing.files) == 1 + MAX_LISTINGS


def test_folders_that_a_file_system_gives_the_same_inode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{number:02}/1.jpg" for number in range(2 * MAX_LISTINGS)]
    make(tmp_path, *names)
    root = listing_module._identity(tmp_path.stat())
    monkeypatch.setattr(
        listing_module, "_identity", lambda status: root if (status.st_dev, status.st_ino) == root else (1, 1)
    )
    assert paths(list_folder(tmp_path)) == names


def test_a_folder_in_several_classes_and_splits(tmp_path: Path) -> None:
    make(tmp_path / "data" / "cat", "1.jpg", "2.jpg")
    for split in ("train", "test"):
        (tmp_path / "source" / split).mkdir(parents=True)
        for name in ("cat", "animal"):
            (tmp_path / "source" / split / name).symlink_to(tmp_path / "data" / "cat")
    listing = list_folder(tmp_path / "source")
    assert paths(listing) == [
        f"{split}/{name}/{i}.jpg" for split in ("test", "train") for name in ("animal", "cat") for i in (1, 2)
    ]
    assert listing.links.report(paths(listing)).outside_files == 8


def test_what_lies_around_the_source_is_not_listed_in_a_circle(tmp_path: Path) -> None:
    make(tmp_path, "source/a/1.jpg", "beside/2.jpg")
    (tmp_path / "source" / "a" / "up").symlink_to("../..")
    listing = list_folder(tmp_path / "source")
    assert paths(listing) == ["a/1.jpg", "a/up/beside/2.jpg"]
    assert [reject.path for reject in listing.ignored] == ["a/up/source"]
    assert listing.links.report(paths(listing)).first == {"a/up": os.path.realpath(tmp_path)}


def test_folders_far_below(tmp_path: Path) -> None:
    depth = 1500  # more than Python's limit of recursion
    place = os.open(tmp_path, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=place)
        below = os.open("d", os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = below
    os.close(os.open("1.jpg", os.O_CREAT, dir_fd=place))
    os.close(place)
    try:
        assert paths(list_folder(tmp_path)) == ["d/" * depth + "1.jpg"]
    finally:
        subprocess.run(["rm", "-r", tmp_path / "d"], check=True)  # pytest's own way is recursive


def test_memory_and_devices_are_not_listed(tmp_path: Path) -> None:
    make(tmp_path, "a/1.jpg")
    for name in ("proc", "sys", "dev"):
        (tmp_path / "a" / name).symlink_to(f"/{name}")
    (tmp_path / "a" / "memory").symlink_to("/proc/self/mem")
    (tmp_path / "a" / "null").symlink_to("/dev/null")
    listing = list_folder(tmp_path)
    assert paths(listing) == ["a/1.jpg"]
    assert [reject.path for reject in listing.ignored] == ["a/dev", "a/memory", "a/null", "a/proc", "a/sys"]


def test_a_folder_outside_that_cannot_be_listed_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "source/a/1.jpg", "away/locked/2.jpg", "away/3.jpg")
    (tmp_path / "source" / "a" / "away").symlink_to(tmp_path / "away")
    real = os.scandir

    def scandir(folder: int) -> Any:
        if os.path.realpath(f"/proc/self/fd/{folder}").endswith("locked"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    listing = list_folder(tmp_path / "source")
    assert paths(listing) == ["a/1.jpg", "a/away/3.jpg"]
    assert [(reject.path, reject.reason) for reject in listing.rejects] == [("a/away/locked", "unreadable")]
    with pytest.raises(UsageError, match="no permission to list the folder"):
        list_folder(tmp_path)


@pytest.mark.parametrize("link", ["a/folder", "a/file.jpg", "a/file", "a/folder.txt"])
def test_links_out_of_the_source_are_refused_and_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: str
) -> None:
    make(tmp_path, "source/a/1.jpg", "away/2.jpg")
    target = tmp_path / "away" if "folder" in link else tmp_path / "away" / "2.jpg"
    (tmp_path / "source" / link).symlink_to(target)
    assert len(list_folder(tmp_path / "source").files) == 2
    read: list[str] = []
    real = os.scandir

    def scandir(folder: int) -> Any:
        read.append(os.path.realpath(f"/proc/self/fd/{folder}"))
        return real(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    monkeypatch.setattr(image_names, "open_regular", read.append)
    with pytest.raises(UsageError, match=f"has links that lead out of it .*: {link} -> {target}"):
        list_folder(tmp_path / "source", "refuse")
    assert read == [str(tmp_path / "source"), str(tmp_path / "source" / "a")]


def test_links_that_stay_in_the_source_are_not_refused(tmp_path: Path) -> None:
    make(tmp_path, "source/a/1.jpg", "away.txt")
    (tmp_path / "source" / "b").symlink_to("a")
    (tmp_path / "source" / "a" / "2.jpg").symlink_to("1.jpg")
    (tmp_path / "source" / "a" / "broken.jpg").symlink_to("nowhere")
    (tmp_path / "source" / "a" / "notes.txt").symlink_to(tmp_path / "away.txt")  # never read
    assert len(list_folder(tmp_path / "source", "refuse").files) == 6


Links = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 6)), max_size=12)
"""Links between six folders in a source, from and to; 6 is a folder outside."""


def follow(folder: Path, prefix: str, ancestors: tuple[str, ...]) -> list[str]:
    """The simplest walk that knows circles and nothing else."""
    here = os.path.realpath(folder)
    if here in ancestors:
        return []
    listed = []
    for entry in folder.iterdir():
        if entry.is_dir():
            listed += follow(entry, f"{prefix}{entry.name}/", (*ancestors, here))
        else:
            listed.append(prefix + entry.name)
    return listed


@given(Links)
def test_any_links_between_folders(links: list[tuple[int, int]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        places = [root / "source" / str(i) for i in range(6)] + [root / "away"]
        for place in places:
            make(place, "1.jpg")
        for number, (start, end) in enumerate(links):
            (places[start] / f"to{number}").symlink_to(places[end])
        listing = list_folder(root / "source")
        listed = paths(listing)
        everything = follow(root / "source", "", ())
        times = Counter(os.path.realpath(root / "source" / path) for path in listed)
        assert max(times.values()) <= MAX_LISTINGS
        assert set(listed) <= set(everything)
        assert {f"{i}/1.jpg" for i in range(6)} <= set(listed)
        assert isinstance(listing.links, SourceLinks)
        if not listing.links.not_followed:
            assert sorted(listed) == sorted(everything)
        outside = times[os.path.realpath(root / "away" / "1.jpg")]
        assert listing.links.report(listed).outside_files == outside
        if outside:
            with pytest.raises(UsageError, match="--links refuse allows none"):
                list_folder(root / "source", "refuse")


def test_missing_empty_and_file(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="does not exist"):
        list_folder(tmp_path / "nothing")
    with pytest.raises(UsageError, match="has no images"):
        list_folder(tmp_path)
    make(tmp_path, "x.jpg")
    with pytest.raises(UsageError, match="is a file"):
        list_folder(tmp_path / "x.jpg")


def test_class_is_the_first_folder() -> None:
    assert labels("dog/1.jpg", "dog/small/2.jpg") == {
        "dog/1.jpg": ("dog", None),
        "dog/small/2.jpg": ("dog", None),
    }


@pytest.mark.parametrize(
    ("class_from", "expected"), [("first", "dog"), ("parent", "small"), ("path", "dog/small")]
)
def test_class_from(class_from: str, expected: str) -> None:
    assert labels("dog/small/2.jpg", class_from=class_from)["dog/small/2.jpg"][0] == expected
    assert labels("train/dog/small/2.jpg", class_from=class_from)["train/dog/small/2.jpg"] == (
        expected,
        "train",
    )


@pytest.mark.parametrize("name", ["validation", "val", "valid", "VAL"])
def test_split_folders(name: str) -> None:
    assert labels("train/dog/1.jpg", f"{name}/dog/2.jpg") == {
        "train/dog/1.jpg": ("dog", "train"),
        f"{name}/dog/2.jpg": ("dog", "validation"),
    }


def test_split_option_overrides_split_folders_but_they_are_still_no_classes() -> None:
    assert labels("train/dog/1.jpg", "test/cat/2.jpg", split=False) == {
        "train/dog/1.jpg": ("dog", None),
        "test/cat/2.jpg": ("cat", None),
    }


def test_classes_named_like_splits_need_the_split_option() -> None:
    with pytest.raises(UsageError, match="split folders \\(train\\) beside other folders \\(bus, car\\)"):
        labels("train/1.jpg", "bus/2.jpg", "car/3.jpg")
    assert labels("train/1.jpg", "bus/2.jpg", split=False)["train/1.jpg"] == ("train", None)


def test_images_without_a_class_are_rejected_by_name() -> None:
    files = FileColumns.of(SourceFile(path, 1, 0) for path in ("dog/1.jpg", "loose.jpg"))
    example_table, rejects, _ = label_by_folders(files, ConvertOptions())
    assert [file.path for file in example_table.files] == ["dog/1.jpg"]
    assert [(reject.path, reject.reason) for reject in rejects] == [("loose.jpg", "label_invalid")]


def test_flat_folders_are_explained() -> None:
    with pytest.raises(UsageError, match=r"SOURCE/<class>/<image>.*'1.jpg'"):
        labels("1.jpg", "2.jpg")


def test_split_order() -> None:
    assert in_split_order({"test", "zoo", "train", "extra", "validation"}) == [
        "train",
        "validation",
        "test",
        "extra",
        "zoo",
    ]


def test_text_path() -> None:
    assert text_path("ünïcødé/图片.jpg") == "ünïcødé/图片.jpg"
    assert text_path("back\\slash.jpg") == "back\\slash.jpg"
    assert text_path("bad\udcff\\.jpg") == "bad\\xff\\\\.jpg"


def test_files_are_counted_while_they_are_found(tmp_path: Path) -> None:
    told: list[int] = []
    make(tmp_path, "a/1.jpg", "a/2.jpg", "b/c/3.jpg", "notes.txt")
    list_folder(tmp_path, listed=told.append)
    assert (sum(told), max(told)) == (3, 2)
