"""Listing, splits and classes."""

from pathlib import Path

import pytest

from fitfeed.converters.rejects import text_path
from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources.examples import in_split_order
from fitfeed.converters.sources.folder_labels import label_by_folders
from fitfeed.converters.sources.listing import list_folder
from fitfeed.schemas.errors import NotFoundError, UsageError

JPEG = b"\xff\xd8\xff\xe0rest"


def make(root: Path, *names: str, content: bytes = JPEG) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def labels(*paths: str, class_from: str = "first", split: bool = True) -> dict[str, tuple[str, str | None]]:
    files = [SourceFile(path, 1, 0) for path in paths]
    example_table, _ = label_by_folders(files, class_from=class_from, use_split_folders=split)  # type: ignore[arg-type]
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
    files = [SourceFile(path, 1, 0) for path in ("dog/1.jpg", "loose.jpg")]
    example_table, rejects = label_by_folders(files, class_from="first", use_split_folders=True)
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
