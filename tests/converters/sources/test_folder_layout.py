"""Which folders are splits and which are classes: what is known, what is refused, and that nothing is taken silently."""

import re
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.commands.option_values import parse_split_folders
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.sources.folder_layout import FolderLayout, Folders, folder_of
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.split_names import usual_split


def layout(*paths: str, split: bool = True, classes: bool = True, **options: object) -> FolderLayout:
    chosen = ConvertOptions(**options)  # type: ignore[arg-type]
    return FolderLayout(map(folder_of, paths), chosen, decides_split=split, decides_class=classes)


def tree(*folders: str) -> list[str]:
    """Two images in each of two classes below each folder."""
    return [f"{folder}/{name}/{i}.jpg" for folder in folders for name in ("cat", "dog") for i in range(2)]


@pytest.mark.parametrize(
    ("folders", "splits"),
    [
        (("train", "val", "Test"), ("train", "validation", "test")),
        (("Training", "Testing"), ("train", "test")),
        (("train_set", "valid-set", "test set"), ("train", "validation", "test")),
        (("TrainData", "dev", "hold-out"), ("train", "validation", "test")),
        (("train2017", "val2017"), ("train", "validation")),
    ],
)
def test_usual_names_of_split_folders(folders: tuple[str, ...], splits: tuple[str, ...]) -> None:
    found = layout(*tree(*folders))
    assert [found.read(f"{folder}/dog/1.jpg") for folder in folders] == [
        Folders(split, "dog") for split in splits
    ]
    assert found.warnings == []


@pytest.mark.parametrize(("class_from", "name"), [("first", "head"), ("parent", "hat"), ("path", "head/hat")])
def test_which_folder_is_the_class(class_from: str, name: str) -> None:
    one = layout("train/head/hat/1.jpg", class_from=class_from)
    assert one.read("train/head/hat/1.jpg") == ("train", name)
    assert layout("head/hat/1.jpg", class_from=class_from).read("head/hat/1.jpg") == (None, name)


def test_a_split_folder_is_no_class_where_something_else_decides_the_split() -> None:
    one = layout("train/hat/1.jpg", split=False)
    assert one.read("train/hat/1.jpg") == (None, "hat")
    assert one.read("train/1.jpg") == (None, None)


def test_one_folder_in_the_way_of_split_folders() -> None:
    found = layout(*tree("PetImages/train", "PetImages/val"))
    assert found.read("PetImages/val/cat/1.jpg") == ("validation", "cat")
    assert found.warnings == [
        "all images are in PetImages/, so splits and classes are read from the folders below it"
    ]


def test_split_folders_by_name() -> None:
    found = layout(*tree("fold1", "fold2"), split_folders={"fold1": "fold1", "fold2": "val"})
    assert found.read("fold2/cat/1.jpg") == ("validation", "cat")
    above = layout(
        *(f"{name}/{split}/1.jpg" for name in ("cat", "dog") for split in ("a", "b")),
        split_folders={"a": "train", "b": "test"},
    )
    assert above.read("dog/b/1.jpg") == ("test", "dog")


def test_no_folder_is_a_split_if_so_said() -> None:
    found = layout("train/1.jpg", "test/x/2.jpg", split_folders={})
    assert [found.read(path) for path in ("train/1.jpg", "test/x/2.jpg")] == [(None, "train"), (None, "test")]


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (tree("train", "extra"), r"split folders \(train\) beside other folders \(extra\)"),
        (tree("all/trainval", "all/test"), r"SOURCE/all has split folders \(test\)"),
        (
            ["cat/train/1.jpg", "cat/test/2.jpg", "dog/train/3.jpg"],
            r"below other folders \(cat/test, cat/train",
        ),
        (tree("fold1", "fold2"), r"fold1, fold2 all hold folders of the same names \(cat, dog\)"),
        (tree("dataset"), r"all images are below one folder, dataset, which holds 2 folders \(cat, dog\)"),
        (tree("train", "val", "valid"), r"val, valid are all called like the split 'validation'"),
        (tree("train/photos", "test/photos"), r"all images are below one folder, photos"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused_with_what_to_write(paths: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        layout(*paths)
    text = str(caught.value)
    mappings = re.findall(r"--split-folders (\S+?)[.;,)]*(?: |$)", text)
    folders = [parse_split_folders(" ".join(shlex.split(each))) for each in mappings]
    for mapping in folders:  # what the message says can be pasted
        assert layout(*paths, split_folders=mapping).read(paths[0])
    if "--class-from parent" in text:
        assert layout(*paths, class_from="parent").read(paths[0]).class_name == "cat"
    assert mappings or "--class-from" in text


@pytest.mark.parametrize(
    ("paths", "mapping", "message"),
    [
        (tree("a", "b"), {"a": "train"}, r"the images in b/cat are in none of the folders.*--exclude b/cat"),
        (tree("a"), {"a": "train", "c": "test"}, "no image is in a folder 'c'"),
        (["a/1.jpg", "x/b/1.jpg"], {"a": "train", "b": "test"}, "not all equally deep"),
        (
            ["x/a/p/1.jpg", "y/a/q/1.jpg"],
            {"a": "train"},
            "unclear which are classes. Give --class-from parent",
        ),
    ],
)
def test_split_folders_that_do_not_fit(paths: list[str], mapping: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        layout(*paths, split_folders=mapping)


def test_each_folder_is_named_once() -> None:
    with pytest.raises(
        UsageError, match=r"below other folders \(clothing/test, clothing/train, other/test\)\."
    ):
        layout(*tree("clothing/train", "clothing/test", "other/test", "plain"))


def test_a_table_decides_classes_but_not_splits() -> None:
    paths = ["images/a/1.jpg", "images/b/2.jpg"]
    assert layout(*paths, classes=False).read(paths[0]).split is None
    with pytest.raises(UsageError, match=r"SOURCE/images has split folders \(test\) beside"):
        layout("images/a/1.jpg", "images/test/2.jpg", classes=False)


NAMES = st.sampled_from(
    ["train", "Training", "val", "test_set", "dev", "hold-out", "cat", "dog", "photos", "fold1", "trainval"]
)
TREES = st.lists(st.lists(NAMES, max_size=4).map("/".join), min_size=1, max_size=8)


@given(TREES, st.sampled_from(["first", "parent", "path"]))
def test_a_folder_called_like_a_split_is_never_silently_a_class_or_lost(
    folders: list[str], class_from: str
) -> None:
    paths = [f"{folder}/{i}.jpg".lstrip("/") for i, folder in enumerate(folders)]
    try:
        found = layout(*paths, class_from=class_from)
    except UsageError:
        return
    for path in paths:
        split, name = found.read(path)
        named = [usual_split(folder) for folder in path.split("/")[:-1]]
        assert [each for each in named if each] == ([split] if split else [])
        assert name is None or not any(map(usual_split, name.split("/")))


@given(TREES)
def test_a_first_folder_is_the_class_wherever_nothing_is_a_split(folders: list[str]) -> None:
    paths = [f"{folder}/{i}.jpg".lstrip("/") for i, folder in enumerate(folders)]
    found = layout(*paths, split_folders={})
    assert [found.read(path) for path in paths] == [
        (None, folder.split("/")[0] or None) for folder in folders
    ]
