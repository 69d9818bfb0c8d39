"""Whole conversions with options of classes, and what reads a dataset with a class that has no image."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fitfeed.cli import main
from fitfeed.converters.option_parts.storage import Format
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.verify import verify_dataset
from fitfeed.output.summary import conversion_lines
from fitfeed.pipelines import make_pipeline, open_dataset
from fitfeed.schemas.errors import TooManyRejectsError, UsageError
from tests.fitfeed.hostile_names import picture
from tests.without_beam import convert, without_beam


def source(folder: Path, *paths: str) -> Path:
    for number, path in enumerate(paths):
        picture(folder / path, 2 * number)
    return folder


@pytest.fixture
def animals(tmp_path: Path) -> Path:
    return source(
        tmp_path / "animals", *(f"{name}/{i}.png" for name in ("ant", "cat", "dog") for i in range(3))
    )


@pytest.mark.parametrize("format_", ["tfrecord", "hdf5"])
def test_a_class_without_images_is_a_class_like_others(
    animals: Path, tmp_path: Path, format_: Format
) -> None:
    options = ConvertOptions(
        format=format_,
        classes=("cow", "dog", "emu", "cat"),
        drop_classes=("ant",),
        split={"train": 0.5, "test": 0.5},
        stratify=True,
    )
    result = convert(animals, tmp_path / "dataset", options)
    dataset = open_dataset(tmp_path / "dataset")
    assert dataset.class_names == ["cow", "dog", "emu", "cat"]
    counts = [split.class_counts for split in dataset.splits.values()]
    assert [sum(column) for column in zip(*counts, strict=True)] == [0, 3, 0, 3]
    weights = dataset.class_weight
    assert [weights[label] > 0 for label in range(4)] == [False, True, False, True]
    assert verify_dataset(tmp_path / "dataset").findings == ()
    summary = "\n".join(conversion_lines(result, "dataset"))
    assert "cow 0, dog " in summary
    assert "warning: given classes that have no image here: 'cow', 'emu'" in summary
    assert "warning: --drop-classes leaves images out: 'ant' (3 images)" in summary
    assert "rejects    none (3 other files ignored)" in summary
    pipeline = make_pipeline(
        dataset, "train", batch_size=2, labels="onehot", balance="class", drop_remainder=True
    )
    labels = np.concatenate([label for _, label in pipeline.as_numpy_iterator()])
    assert labels.shape[1] == 4
    assert labels.sum(axis=0)[[0, 2]].tolist() == [0, 0]
    assert main(["preview", str(tmp_path / "dataset"), "-o", str(tmp_path / "sheet.png")]) == 0
    assert main(["inspect", str(tmp_path / "dataset")]) == 0


def test_a_second_dataset_agrees_with_the_first(
    animals: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: Any) -> int:
        with without_beam():
            return main(["convert", *map(str, arguments), "--quiet"])

    assert run(animals, tmp_path / "first", "--classes", "dog,cat,ant") == 0
    other = source(tmp_path / "other", "ant/1.png", "dog/2.png", "fox/3.png")
    assert run(other, tmp_path / "second", "--classes-from", tmp_path / "first") == 2
    assert "not among the given ones: 'fox' (1 images)" in capsys.readouterr().err
    assert run(other, tmp_path / "second", "--classes-from", tmp_path / "first", "--drop-classes", "fox") == 0
    assert open_dataset(tmp_path / "second").class_names == ["dog", "cat", "ant"]
    assert open_dataset(tmp_path / "second").splits["train"].class_counts == [1, 0, 1]
    assert run(other, tmp_path / "third", "--classes-from", tmp_path / "first", "--classes", "a") == 2
    assert "Give one of them" in capsys.readouterr().err


def test_a_bad_picture_that_is_left_out_does_not_count(animals: Path, tmp_path: Path) -> None:
    (animals / "ant" / "bad.png").write_bytes(b"not a picture")
    with pytest.raises(TooManyRejectsError):
        convert(animals, tmp_path / "dataset")
    (tmp_path / "out.txt").write_text("ant/bad.png\nant/0.png\n")
    result = convert(animals, tmp_path / "dataset", leave_out=tmp_path / "out.txt")
    assert (result.manifest.rejects, result.manifest.ignored) == ({}, 2)
    assert result.manifest.splits["train"].class_counts == [2, 3, 3]
    assert verify_dataset(tmp_path / "dataset").findings == ()
    assert convert(animals, tmp_path / "dataset", leave_out=str(tmp_path / "out.txt")).up_to_date
    with pytest.raises(UsageError, match="was made from other files"):
        convert(animals, tmp_path / "dataset")


def test_what_is_appended_may_bring_classes_if_they_are_given(animals: Path, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    convert(animals, dataset, ConvertOptions(classes=("dog", "cat", "ant")))
    more = source(tmp_path / "more", "fox/1.png", "bee/2.png", "dog/3.png")
    with pytest.raises(UsageError, match=r"not among the given ones: 'bee' \(1 images\), 'fox' \(1 images\)"):
        convert(more, dataset, append=True)
    result = convert(more, dataset, ConvertOptions(classes=("fox", "dog", "cat", "ant", "bee")), append=True)
    assert result.manifest.class_names == ["dog", "cat", "ant", "fox", "bee"]
    assert convert(more, dataset, append=True, options=ConvertOptions(drop_classes=("fox",))).up_to_date
    assert verify_dataset(dataset).findings == ()
