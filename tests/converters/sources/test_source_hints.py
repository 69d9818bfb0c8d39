"""Hints for files that may mean something else than fitfeed reads."""

import re
import shlex

import pytest

from fitfeed.converters.rejects import Reject
from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources.paired_masks import pair_masks
from fitfeed.converters.sources.source_hints import detection_hints, empty_folder_hints, mask_hints
from fitfeed.schemas.packed_texts import PackedTexts


def files(*paths: str) -> list[SourceFile]:
    return [SourceFile(path, 1, 1) for path in paths]


def packed(*paths: str) -> PackedTexts:
    return PackedTexts.of(paths)


def ignored(*paths: str) -> list[Reject]:
    return [Reject(path, "not_an_image", "ignored", "ignored") for path in paths]


@pytest.mark.parametrize(
    ("paths", "classes"),
    [
        (("cat/1.jpg", "cat/1_mask.png"), ["cat"]),
        (("cat/a (1).png", "cat/a (1)-seg.png"), ["cat"]),
        (("cat/1.jpg", "cat/1_GT.bmp"), ["cat"]),
        (("images/1.jpg", "masks/1.png"), ["images", "masks"]),
        (("images/x/1.jpg", "masks/x/1.png"), ["images", "masks"]),
        (("train/img/1.jpg", "train/labels/1.png"), ["img", "labels"]),
    ],
)
def test_masks_among_images_are_named_with_an_option_that_pairs_them(
    paths: tuple[str, ...], classes: list[str]
) -> None:
    (line,) = mask_hints(packed(*paths), classes)
    pattern = re.search(r"--mask-from (.*?) stores", line)
    assert pattern is not None
    (written,) = shlex.split(pattern[1])
    assert pair_masks(files(*paths), written).mask_of[paths[0]].path == paths[1]
    assert "--exclude" in line


def test_several_masks_of_an_image_are_named_too() -> None:
    (line,) = mask_hints(packed("a/1.png", "a/1_mask.png", "a/1_mask_1.png"), ["a"])
    assert line.startswith(
        "2 images are called like masks of others, for example a/1_mask.png beside a/1.png"
    )


@pytest.mark.parametrize(
    ("paths", "classes"),
    [
        (("cat/1.jpg", "dog/1.jpg"), ["cat", "dog"]),
        (("images/1.jpg",), ["images"]),
        (("facemask/1.jpg", "hat/1_mask.jpg"), ["facemask", "hat"]),
        (("a/label.jpg", "a/mask.jpg"), ["a"]),
    ],
)
def test_ordinary_names_are_not_warned_of(paths: tuple[str, ...], classes: list[str]) -> None:
    assert mask_hints(packed(*paths), classes) == []


@pytest.mark.parametrize(
    ("sidecars", "kind"),
    [
        (("Annotations/1.xml",), "VOC"),
        (("cat/1.xml", "cat/2.xml"), "VOC"),
        (("labels/train/1.txt",), "YOLO"),
        (("cat/1.txt", "classes.txt"), "YOLO"),
        (("train/_annotations.coco.json",), "COCO"),
        (("instances_val2017.json",), "COCO"),
    ],
)
def test_labels_for_detection_are_named(sidecars: tuple[str, ...], kind: str) -> None:
    (line,) = detection_hints(packed("cat/1.jpg"), ignored(*sidecars))
    assert line.startswith(f"{sidecars[0]} looks like labels for detection ({kind}), which are not read yet")


@pytest.mark.parametrize(
    "sidecars", [("cat/1.txt",), ("notes.xml",), ("info.json",), ("labels/readme.txt",), ()]
)
def test_other_files_are_not_taken_for_them(sidecars: tuple[str, ...]) -> None:
    assert detection_hints(packed("cat/1.jpg"), ignored(*sidecars)) == []


def test_empty_folders_are_named() -> None:
    assert empty_folder_hints([]) == []
    line = "folders without any file, so without a class: a, b, c, d, e and 1 more"
    assert empty_folder_hints(list("abcdef")) == [line]
