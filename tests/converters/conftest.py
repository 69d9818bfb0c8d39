"""Tiny datasets, cheap enough to be damaged a thousand times."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fitfeed.converters.options import ConvertOptions
from tests.without_beam import convert

LAYOUTS = {
    "tfrecord": ConvertOptions(format="tfrecord", shards=2),
    "hdf5": ConvertOptions(format="hdf5", shards=2),
    "raw_tfrecord": ConvertOptions(format="tfrecord", shards=2, encoding="raw", size=(8, 8)),
    "raw_hdf5": ConvertOptions(format="hdf5", shards=2, encoding="raw", size=(8, 8)),
}


@pytest.fixture(scope="session")
def tiny_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 pictures of 8 to 17 pixels in two splits and two classes, one damaged, one file beside them."""
    folder = tmp_path_factory.mktemp("tiny")
    random = np.random.default_rng(0)
    for number in range(24):
        split = "validation" if number % 4 == 3 else "train"
        target = folder / split / ("daisy" if number % 3 else "rose")
        target.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 256, (8 + number % 10, 17 - number % 7, 3), np.uint8)
        Image.fromarray(pixels).save(target / f"ä{number}.{'png' if number % 5 else 'jpg'}")
    (folder / "train" / "rose" / "damaged.jpg").write_bytes(b"\xff\xd8\xff damaged")
    (folder / "train" / "rose" / "Thumbs.db").write_bytes(b"beside")
    return folder


@pytest.fixture(scope="session")
def tiny(tiny_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Converts the tiny source to one of `LAYOUTS`, once per session."""
    made: dict[str, Path] = {}

    def dataset(layout: str) -> Path:
        if layout not in made:
            made[layout] = tmp_path_factory.mktemp("tiny") / layout
            convert(tiny_source, made[layout], LAYOUTS[layout], max_bad=1)
        return made[layout]

    return dataset


@pytest.fixture(params=list(LAYOUTS))
def dataset(request: pytest.FixtureRequest, tiny: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy of a tiny dataset, to be damaged; once in each layout."""
    return Path(shutil.copytree(tiny(request.param), tmp_path / request.param))


@pytest.fixture
def tfrecord(tiny: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy of a tiny TFRecord dataset."""
    return Path(shutil.copytree(tiny("tfrecord"), tmp_path / "dataset"))


@pytest.fixture
def hdf5(tiny: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy of a tiny HDF5 dataset."""
    return Path(shutil.copytree(tiny("hdf5"), tmp_path / "dataset"))
