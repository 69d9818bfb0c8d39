"""The advice at the end fits the dataset, and runs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fitfeed.converters.options import ConvertOptions
from fitfeed.output.training_lines import training_lines
from tests.without_beam import convert


def source(folder: Path, *names: str, size: tuple[int, int] = (40, 30)) -> Path:
    for number, name in enumerate(names):
        path = folder / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (size[1], size[0], 3), np.uint8)
        Image.fromarray(pixels).save(path)
    return folder / "photos"


class Model:
    """Takes what a model is given to fit."""

    def fit(self, batches: Any, epochs: int) -> None:
        self.first, self.epochs = next(iter(batches)), epochs


def executed(lines: list[str]) -> dict[str, Any]:
    names: dict[str, Any] = {"model": Model()}
    exec("\n".join(line.removeprefix("  ") for line in lines[1:]), names)
    return names


def advice(folder: Path, photos: Path, labels: Any = None, **options: Any) -> list[str]:
    manifest = convert(photos, folder / "dataset", ConvertOptions(**options), labels=labels).manifest
    return training_lines(str(folder / "dataset"), manifest)


@pytest.mark.parametrize(
    ("options", "size"),
    [({}, (30, 40)), ({"size": (16, 16)}, (16, 16)), ({"encoding": "raw", "size": (9, 8)}, (9, 8))],
)
def test_sizes_are_those_that_are_stored(
    tmp_path: Path, options: dict[str, Any], size: tuple[int, int]
) -> None:
    lines = advice(tmp_path, source(tmp_path, "a/1.png", "b/2.png"), **options)
    image, label = executed(lines)["model"].first
    assert image.shape == (2, *size, 3)
    assert sorted(label.numpy()) == [0, 1]
    assert ("image_size" in lines[2]) == ("encoding" not in options)


def test_large_images_are_trained_at_the_usual_size(tmp_path: Path) -> None:
    lines = advice(tmp_path, source(tmp_path, "a/1.png", "b/2.png", size=(300, 250)))
    assert "image_size=(224, 224)" in lines[2]


def test_images_without_labels(tmp_path: Path) -> None:
    lines = advice(tmp_path, source(tmp_path, "1.png", "2.png"), labels="none")
    assert lines[0] == "read its images, which have no labels:"
    assert next(iter(executed(lines)["images"])).shape == (2, 30, 40, 3)


def test_several_labels_and_another_split(tmp_path: Path) -> None:
    photos = source(tmp_path, "1.png", "2.png")
    (tmp_path / "t.csv").write_text("path,tall,kind\n1.png,1.5,a\n2.png,2.5,b\n")
    columns = ("tall:float", "kind")
    lines = advice(tmp_path, photos, tmp_path / "t.csv", label_columns=columns, split={"zoo": 1.0})
    assert "shuffle=True, label='kind'" in lines[2]
    assert lines[3] == "  # label= is one of 'tall', 'kind'; without it, all of them come as a dict"
    _, label = executed(lines)["model"].first
    assert sorted(label.numpy()) == [0, 1]
