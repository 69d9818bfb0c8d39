"""`fitfeed preview`: the pixels of the sheet, what the options do, and the errors."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageFont

from fitfeed.cli import main
from fitfeed.pipelines import (
    CutMix,
    MixUp,
    RandomFlip,
    RandomResizedCrop,
    RandomRotation,
    make_pipeline,
    open_dataset,
)
from tests.programs import run_program

ROOT = Path(__file__).parents[3]
TURNED = "RandomResizedCrop(), RandomRotation(0.1)"
MIXED = "RandomFlip('horizontal'), MixUp(1.0), CutMix()"
Pixels = npt.NDArray[np.uint8]


def previewed(
    capsys: pytest.CaptureFixture[str], dataset: Path, file: Path, *options: str
) -> tuple[Pixels, dict[str, Any]]:
    """The sheet, and what `--json` says of it."""
    status = main(["preview", str(dataset), "-o", str(file), "--json", *options])
    captured = capsys.readouterr()
    assert (status, captured.err) == (0, "")
    document: dict[str, Any] = json.loads(captured.out)
    with Image.open(file) as image:
        assert (image.mode, image.size) == ("RGB", (document["width"], document["height"]))
        return np.asarray(image), document


def cut(sheet: Pixels, box: list[int]) -> Pixels:
    left, top, right, bottom = box
    return sheet[top:bottom, left:right]


@pytest.mark.slow
@pytest.mark.parametrize(("tile", "factor"), [(64, 1), (160, 2), (200, 3)])
@pytest.mark.parametrize("container", ["tfrecord", "hdf5"])
def test_small_pictures_are_shown_pixel_by_pixel(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str], tmp_path: Path, container: str, tile: int, factor: int
) -> None:  # fmt: skip
    folder: Path = request.getfixturevalue(f"dataset_raw_{container}")
    sheet, document = previewed(capsys, folder, tmp_path / "s.png", "--tile", str(tile), "--count", "5")
    dataset = open_dataset(folder)
    records = dataset.records("train")
    assert len({picture["key"] for picture in document["pictures"]}) == 5
    for picture in document["pictures"]:
        example = records[picture["example"]]
        assert picture["key"] == example["key"]
        assert picture["labels"] == {"label": dataset.class_names[example["label"]]}
        (box,) = picture["boxes"]
        expected = example["image"].repeat(factor, axis=0).repeat(factor, axis=1)
        np.testing.assert_array_equal(cut(sheet, box), expected)


def test_gray_pictures_are_gray(gray: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    sheet, document = previewed(
        capsys, gray, tmp_path / "s.png", "--count", "99", "--augment", TURNED, "--tile", "20"
    )
    assert len(document["pictures"]) == 12
    for picture in document["pictures"]:
        image = open_dataset(gray).records("train")[picture["example"]]["image"]
        np.testing.assert_array_equal(cut(sheet, picture["boxes"][0]), np.broadcast_to(image, (14, 20, 3)))
        for box in picture["boxes"]:
            pixels = cut(sheet, box)
            assert (pixels == pixels[..., :1]).all()


def test_large_pictures_shrink_and_keep_their_shape(
    dataset_tfrecord: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    sheet, document = previewed(capsys, dataset_tfrecord, tmp_path / "s.png", "--tile", "100")
    for picture in document["pictures"]:
        image = open_dataset(dataset_tfrecord).records("train")[picture["example"]]["image"]
        shown = cut(sheet, picture["boxes"][0])
        assert max(shown.shape) == 100
        assert shown.shape[0] / shown.shape[1] == pytest.approx(image.shape[0] / image.shape[1], rel=0.01)
        by_area = Image.fromarray(image).resize(shown.shape[1::-1], Image.Resampling.BOX)
        assert np.abs(np.asarray(by_area, float) - shown).mean() < 6


@pytest.mark.parametrize("augment", [[RandomResizedCrop()], [RandomResizedCrop(), RandomRotation(0.1)]])
def test_augmented_pictures_are_those_of_training(
    dataset_tfrecord: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, augment: list[Any]
) -> None:
    given = [
        "--split",
        "test",
        "--image-size",
        "48x64",
        "--draws",
        "3",
        "--seed",
        "5",
        "--tile",
        "64",
        "--augment",
    ]
    sheet, document = previewed(capsys, dataset_tfrecord, tmp_path / "s.png", *given, repr(augment))
    assert document["augment"] == list(map(repr, augment))
    total = len(open_dataset(dataset_tfrecord).records("test"))
    pipeline = make_pipeline(
        dataset_tfrecord, "test", batch_size=total, image_size=(48, 64), augment=augment,
        normalize=None, dtype="uint8", labels=None, seed=5, shuffle=False,
    )  # fmt: skip
    for epoch in range(3):
        (batch,) = pipeline
        for picture in document["pictures"]:
            shown = cut(sheet, picture["boxes"][1 + epoch])
            np.testing.assert_array_equal(shown, batch[picture["example"]])


def test_mixed_pictures_are_those_of_training(
    gray: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    options = ("--augment", MIXED, "--draws", "1", "--tile", "20", "--count", "12", "--seed", "3")
    sheet, document = previewed(capsys, gray, tmp_path / "s.png", *options)
    pipeline = make_pipeline(
        gray, "train", batch_size=12, augment=[RandomFlip("horizontal"), MixUp(1.0), CutMix()], normalize=None, dtype="uint8", seed=3
    )  # fmt: skip
    ((images, labels),) = pipeline
    names = open_dataset(gray).class_names
    for picture, image, label in zip(document["pictures"], images.numpy(), labels.numpy(), strict=True):
        np.testing.assert_array_equal(cut(sheet, picture["boxes"][1])[..., :1], image)
        shares = picture["mixed_labels"][0]["label"]
        assert [shares.get(name, 0) for name in names] == pytest.approx(label.tolist(), abs=0.006)


def test_masks_are_shown_in_colors_and_move_along(
    labelled: Callable[[str], Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    colors = np.array([(0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0)], np.uint8)  # Pascal VOC's
    folder = labelled("tfrecord")
    options = ("--tile", "20", "--augment", "RandomFlip()")
    sheet, document = previewed(capsys, folder, tmp_path / "s.png", *options)
    flips = set()
    for picture in document["pictures"]:
        example = open_dataset(folder).records("train")[picture["example"]]
        image, mask = example["image"], colors[example["région"][..., 0]]
        for box, boxes in zip(picture["boxes"], picture["mask_boxes"], strict=True):
            shown, shown_mask = cut(sheet, box), cut(sheet, boxes["région"])
            ways = [(slice(None, None, y), slice(None, None, x)) for y in (1, -1) for x in (1, -1)]
            (way,) = (n for n, way in enumerate(ways) if np.array_equal(shown, image[way]))
            np.testing.assert_array_equal(shown_mask, mask[ways[way]])
            flips.add(way)
        assert picture["labels"] == {
            "species": open_dataset(folder).class_names[example["species"]],
            "tags": [["garden", "red", "wild"][tag] for tag in example["tags"]],
            "height_cm": example["height_cm"], "petals": example["petals"], "note": example["note"],
        }  # fmt: skip
    assert flips == {0, 1, 2, 3}


@pytest.mark.slow
def test_every_option_has_an_effect(
    dataset_raw_tfrecord: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def sheet(*options: str) -> tuple[bytes, dict[str, Any]]:
        pixels, document = previewed(capsys, dataset_raw_tfrecord, tmp_path / "s.png", *options)
        return pixels.tobytes(), document

    plain, document = sheet()
    assert sheet()[0] == plain
    assert (document["split"], document["seed"], len(document["pictures"])) == ("train", 0, 8)
    assert sheet("--count", "3")[1]["pictures"] == document["pictures"][:3]
    keys = [picture["key"] for picture in document["pictures"]]
    assert [picture["key"] for picture in sheet("--seed", "1")[1]["pictures"]] != keys
    other = sheet("--split", "validation")[1]
    assert other["split"] == "validation"
    assert all(picture["key"].startswith("validation/") for picture in other["pictures"])
    wide, narrow = (sheet("--columns", columns)[1] for columns in ("8", "1"))
    assert wide["width"] > document["width"] > narrow["width"]
    assert wide["height"] < document["height"] < narrow["height"]
    assert sheet("--tile", "80")[1]["width"] < document["width"]
    augmented = sheet("--augment", TURNED)
    assert [len(picture["boxes"]) for picture in augmented[1]["pictures"]] == [5] * 8
    assert [
        len(picture["boxes"]) for picture in sheet("--augment", TURNED, "--draws", "2")[1]["pictures"]
    ] == [3] * 8
    assert sheet("--augment", "RandomFlip()")[0] != augmented[0]
    squares = sheet("--augment", TURNED, "--image-size", "64")[1]
    assert all(box[2] - box[0] == box[3] - box[1] == 128 for box in squares["pictures"][0]["boxes"][1:])


@pytest.mark.slow
def test_tensorflow_is_not_loaded(gray: Path, tmp_path: Path) -> None:
    code = (
        f"import sys\nfrom fitfeed.cli import main\n"
        f"status = main(['preview', {str(gray)!r}, '-o', {str(tmp_path / 's.png')!r}, '--augment', {MIXED!r}])\n"
        f"heavy = {{'tensorflow', 'keras', 'apache_beam', 'h5py'}} & set(sys.modules)\nsys.exit(status or len(heavy))"
    )
    run_program(code)


def test_a_font_of_ones_own(gray: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    default = ImageFont.load_default(12)
    assert isinstance(default, ImageFont.FreeTypeFont)
    (tmp_path / "own.ttf").write_bytes(default.font_bytes)
    with_own, _ = previewed(capsys, gray, tmp_path / "s.png", "--font", str(tmp_path / "own.ttf"))
    assert with_own.shape == previewed(capsys, gray, tmp_path / "s.png")[0].shape
