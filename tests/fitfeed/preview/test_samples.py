"""`fitfeed preview`: the pixels of the sheet, what the options do, and the errors."""

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFont

from fitfeed.cli import main
from fitfeed.converters.options import ConvertOptions
from fitfeed.pipelines import (
    CutMix,
    MixUp,
    RandomFlip,
    RandomResizedCrop,
    RandomRotation,
    make_pipeline,
    open_dataset,
)
from fitfeed.preview.contact_sheet import ContactSheet, Tile, fit
from fitfeed.schemas.errors import UsageError
from tests.without_beam import convert

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


@pytest.fixture(scope="module")
def gray(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 grey pictures of 14 x 20 pixels in two classes."""
    folder = tmp_path_factory.mktemp("grey")
    for number in range(12):
        path = folder / "source" / f"class {number % 2}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(number).integers(0, 256, (14, 20), np.uint8)).save(path)
    convert(folder / "source", folder / "dataset", ConvertOptions(channels=1))
    return folder / "dataset"


# ---------------------------------------------------------------- pixels


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
    options = (
        "--augment",
        repr(augment),
        "--image-size",
        "48x64",
        "--draws",
        "3",
        "--seed",
        "5",
        "--tile",
        "64",
    )
    sheet, document = previewed(capsys, dataset_tfrecord, tmp_path / "s.png", *options)
    assert document["augment"] == list(map(repr, augment))
    total = len(open_dataset(dataset_tfrecord).records("train"))
    pipeline = make_pipeline(
        dataset_tfrecord, "train", batch_size=total, image_size=(48, 64), augment=augment,
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


# ---------------------------------------------------------------- options


def test_every_option_has_an_effect(
    dataset_tfrecord: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def sheet(*options: str) -> tuple[bytes, dict[str, Any]]:
        pixels, document = previewed(capsys, dataset_tfrecord, tmp_path / "s.png", *options)
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


def test_a_font_of_ones_own(gray: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    default = ImageFont.load_default(12)
    assert isinstance(default, ImageFont.FreeTypeFont)
    (tmp_path / "own.ttf").write_bytes(default.font_bytes)
    sheet = ContactSheet(side=100, columns=1, font=tmp_path / "own.ttf")
    assert sheet._cut("éß中", 100, sheet._text) == "éß中"  # it is trusted to have them
    with_own, _ = previewed(capsys, gray, tmp_path / "s.png", "--font", str(tmp_path / "own.ttf"))
    assert with_own.shape == previewed(capsys, gray, tmp_path / "s.png")[0].shape
    with pytest.raises(UsageError, match=r"none\.ttf cannot be read as a font"):
        ContactSheet(side=100, columns=1, font=tmp_path / "none.ttf")
    (tmp_path / "text.ttf").write_text("no font")
    with pytest.raises(UsageError, match="cannot be read as a font"):
        ContactSheet(side=100, columns=1, font=tmp_path / "text.ttf")


def test_what_is_printed(gray: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "s.jpg"
    assert main(["preview", str(gray), "-o", str(file)]) == 0
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", f"{file}: 8 pictures of train, 734 x 396 pixels\n")
    with Image.open(file) as image:
        assert image.format == "JPEG"
    assert main(["preview", str(gray), "-o", str(file), "--quiet", "--augment", "RandomFlip()"]) == 0
    assert capsys.readouterr() == ("", "")
    with pytest.raises(SystemExit):
        main(["preview", "--help"])
    assert "fitfeed preview flowers/ -o flowers.png --augment" in capsys.readouterr().out


def test_tensorflow_is_not_loaded(gray: Path, tmp_path: Path) -> None:
    code = (
        f"import sys\nfrom fitfeed.cli import main\n"
        f"status = main(['preview', {str(gray)!r}, '-o', {str(tmp_path / 's.png')!r}, '--augment', {MIXED!r}])\n"
        f"heavy = {{'tensorflow', 'keras', 'apache_beam', 'h5py'}} & set(sys.modules)\nsys.exit(status or len(heavy))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, timeout=120).returncode == 0


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-o", "s.gif"], "-o expects a name that ends in .png, .jpg, .jpeg. Received: s.gif"),
        (["-o", "sheet"], "ends in .png"),
        (["-o", "nowhere/s.png"], "there is no folder nowhere to write to. Received: -o nowhere/s.png"),
        (["-o", "folder.png"], "this is a folder. Received: folder.png"),
        (["--split", "tset"], "no such split. Received: split='tset'. Use one of: 'train'"),
        (["--count", "0"], "--count expects a number from 1. Received: 0"),
        (["--columns", "-1"], "--columns expects a number from 1. Received: -1"),
        (["--tile", "3"], "--tile expects a number from 16. Received: 3"),
        (["--draws", "2"], "--draws is about augmented pictures. Pass --augment too."),
        (["--image-size", "8"], "--image-size is about augmented pictures"),
        (
            ["--count", "100000", "--tile", "1000"],
            "100000 tiles of 1000 x 1000 pixels are more than a sheet can",
        ),
        (
            ["--augment", "RandomFlop()"],
            "no such augmentation. Received: RandomFlop. Did you mean RandomFlip?",
        ),
        (["--augment", "MixUp(), RandomFlip()"], "MixUp mixes whole batches"),
        (["--font", "none.ttf"], "none.ttf cannot be read as a font"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(
    gray: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    options: list[str], message: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("folder.png").mkdir()
    assert main(["preview", str(gray), "-o", "s.png", *options]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("fitfeed preview: ")
    assert message in captured.err
    assert len(captured.err.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["folder.png"]


def test_what_is_no_dataset(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = str(tmp_path / "s.png")
    assert main(["preview", str(tmp_path / "none"), "-o", file]) == 2
    assert "none does not exist" in capsys.readouterr().err
    assert main(["preview", str(tmp_path), "-o", file]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_pictures_of_several_sizes_need_one_to_mix(
    dataset_tfrecord: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    command = [
        "preview",
        str(dataset_tfrecord),
        "-o",
        str(tmp_path / "s.png"),
        "--quiet",
        "--augment",
        "CutMix()",
    ]
    assert main(command) == 2
    assert "CutMix mixes pictures of one size" in capsys.readouterr().err
    assert main([*command, "--image-size", "32"]) == 0


def test_labels_that_cannot_be_mixed(
    labelled: Callable[[str], Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    command = ["preview", str(labelled("raw_hdf5")), "-o", str(tmp_path / "s.png"), "--augment", "MixUp()"]
    assert main(command) == 2
    assert "MixUp mixes labels" in capsys.readouterr().err


def test_damage_is_status_5(gray: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(gray, tmp_path / "copy"))
    for shard in folder.glob("*.tfrecord"):
        shard.write_bytes(b"x" * shard.stat().st_size)
    assert main(["preview", str(folder), "-o", str(tmp_path / "s.png")]) == 5
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "s.png").exists()


def test_a_sheet_that_cannot_be_written_leaves_the_old_one(
    gray: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    file = tmp_path / "s.png"
    file.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", full)
    assert main(["preview", str(gray), "-o", str(file)]) == 2
    assert "s.png cannot be written: No space left on device" in capsys.readouterr().err
    assert ([path.name for path in tmp_path.iterdir()], file.read_bytes()) == (["s.png"], b"old")


# ---------------------------------------------------------------- drawing


@given(st.integers(1, 400), st.integers(1, 400), st.integers(16, 200), st.booleans())
def test_a_picture_fits_its_tile(height: int, width: int, side: int, labels: bool) -> None:
    pixels = np.random.default_rng(height).integers(0, 256, (height, width, 1), np.uint8)
    picture = fit(pixels, side, labels=labels)
    assert picture.mode == "RGB"
    assert side / 2 < max(picture.size) <= side
    factor = max(picture.size) / max(height, width)
    assert picture.size == pytest.approx((width * factor, height * factor), abs=1)


def test_text_that_is_too_long_is_cut() -> None:
    sheet = ContactSheet(side=100, columns=1)
    image = Image.new("RGB", (10, 10))
    texts = ["short", "a name that is far too long for a tile", "tab\tand\x1b[31m", "éß中"]
    cuts = [sheet._cut(text, 100, sheet._text) for text in texts]
    assert (cuts[0], cuts[1][:6], cuts[1][-1]) == ("short", "a name", "…")
    assert cuts[2].startswith("tab\\tand\\x1b")
    assert cuts[3] == "e??"
    assert sheet._cut("some/path/of/a/picture.jpg", 100, sheet._text, end=True).endswith("picture.jpg")
    drawn, placed = sheet.draw("title", "", [], [[Tile(image, {}, texts, "note")]])
    pixels = np.asarray(drawn)
    assert (pixels[:, :18] == 255).all()  # nothing runs into the margins, but for the rim of a letter
    assert (pixels[:, -18:] == 255).all()
    assert placed[0][0].masks == {}
    with pytest.raises(UsageError, match=r"the sheet would have .* pixels"):
        sheet.draw("title", "", [], [[Tile(image)]] * 4000)
