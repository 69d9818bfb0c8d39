"""A few photographs that are much larger than what is made of them."""

import pytest
from PIL import Image

from fitfeed.converters.options import ConvertOptions
from fitfeed.pipelines import Dataset, open_dataset
from tests.pipelines.build_dataset import picture
from tests.without_beam import convert


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Eight PNG of 320 x 400."""
    folder = tmp_path_factory.mktemp("photos")
    (folder / "source" / "a").mkdir(parents=True)
    for number in range(8):
        Image.fromarray(picture(number, 320, 400)).save(folder / "source" / "a" / f"{number}.png")
    convert(folder / "source", folder / "dataset", ConvertOptions())
    return open_dataset(folder / "dataset")
