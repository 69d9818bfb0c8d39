"""A dataset that is small enough to be looked at."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fitfeed.converters.options import ConvertOptions
from tests.without_beam import convert


@pytest.fixture(scope="session")
def gray(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 grey pictures of 14 x 20 pixels in two classes."""
    folder = tmp_path_factory.mktemp("grey")
    for number in range(12):
        path = folder / "source" / f"class {number % 2}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(number).integers(0, 256, (14, 20), np.uint8)).save(path)
    convert(folder / "source", folder / "dataset", ConvertOptions(channels=1))
    return folder / "dataset"
