"""Datasets of every kind that an export must show as our own reader does."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fitfeed.converters.options import ConvertOptions
from fitfeed.pipelines import Dataset, open_dataset
from tests.deep import noise, png
from tests.labelled import LAYOUTS, make_source, options
from tests.without_beam import convert


@pytest.fixture(scope="module", params=[*LAYOUTS])
def labeled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Labels of every kind, masks included, in each layout."""
    folder = tmp_path_factory.mktemp("labeled")
    make_source(folder)
    convert(folder / "labels.csv", folder / "dataset", options(request.param))
    return open_dataset(folder / "dataset")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory, few_photos: Path) -> Dataset:
    """Eight photographs as they were; the folder's name has all that addresses are made of."""
    folder = tmp_path_factory.mktemp("photos") / "a:b::c*d %2F[ü]"
    convert(few_photos, folder)
    return open_dataset(folder)


@pytest.fixture(scope="module", params=["keep", "raw"])
def deep_gray(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Gray pictures of 16 bits."""
    folder = tmp_path_factory.mktemp("deep")
    (folder / "source" / "a").mkdir(parents=True)
    for number in range(3):
        Image.fromarray(noise(6, 5, seed=number)).save(folder / "source" / "a" / f"{number}.png")
    size: dict[str, Any] = {"size": (6, 5), "fit": "stretch"} if request.param == "raw" else {}
    convert(
        folder / "source",
        folder / "dataset",
        ConvertOptions(depth=16, channels=1, encoding=request.param, **size),
    )
    return open_dataset(folder / "dataset")


@pytest.fixture(scope="module")
def deep_colors(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """A picture with colors of 16 bits."""
    folder = tmp_path_factory.mktemp("deep_colors")
    (folder / "source" / "a").mkdir(parents=True)
    (folder / "source" / "a" / "0.png").write_bytes(png(noise(4, 3, 3)))
    convert(folder / "source", folder / "dataset", ConvertOptions(depth=16))
    return open_dataset(folder / "dataset")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A dataset that a test may change."""
    for number in range(4):
        path = tmp_path / "source" / f"class {number % 2}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(number).integers(0, 256, (9, 8, 3), np.uint8)).save(path)
    convert(tmp_path / "source", tmp_path / "dataset")
    return tmp_path / "dataset"
