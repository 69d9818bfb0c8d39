"""`fitfeed preview`: what it prints, its errors and their statuses."""

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from fitfeed.cli import main
from tests.without_beam import convert


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
    assert "fitfeed preview flowers/ -o f.png --augment" in capsys.readouterr().out


def test_letters_that_the_font_lacks_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("Mar", "Mär", "łódź"):
        (tmp_path / "source" / name).mkdir(parents=True)
        Image.effect_noise((20, 20), len(name) + 40).save(
            tmp_path / "source" / name / f"{len(name.encode())}.png"
        )
    convert(tmp_path / "source", tmp_path / "out")
    command = ["preview", str(tmp_path / "out"), "-o", str(tmp_path / "s.png")]
    assert main(command) == 0
    message = capsys.readouterr().err
    assert "pixels. 4 letters are not in its font, and not shown as they are: ä ó ł ź. Name a font" in message
    assert message.endswith("that has them: --font FILE.ttf\n")
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["missing_letters"] == ["ä", "ó", "ł", "ź"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-o", "s.gif"], "-o expects a name that ends in .png, .jpg, .jpeg. Received: s.gif"),
        (["-o", "sheet"], "ends in .png"),
        (["-o", "nowhere/s.png"], "the folder nowhere does not exist. Received: -o nowhere/s.png"),
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
    output = [] if "-o" in options else ["-o", "s.png"]
    assert main(["preview", str(gray), *output, *options]) == 2
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


@pytest.mark.slow
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
