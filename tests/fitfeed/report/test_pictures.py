"""Pictures of the page: small, as stored, and each read once."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fitfeed.converters.options import ConvertOptions
from fitfeed.pipelines import open_dataset
from fitfeed.report.elements import Element
from fitfeed.report.facts import Example
from fitfeed.report.picture_data import SIDE
from fitfeed.report.pictures import Pictures
from fitfeed.schemas.bit_depth import Depth
from tests.without_beam import convert


def shown(figure: Element) -> Image.Image:
    """The picture of a figure."""
    head, _, content = str(figure[0].get("src")).partition(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(content)))


@pytest.mark.parametrize("depth", [8, 16])
def test_a_picture_is_made_small(tmp_path: Path, depth: Depth) -> None:
    ramp = np.linspace(0, 65_535, 800, dtype=np.uint16)
    pixels = np.broadcast_to(ramp if depth == 16 else (ramp >> 8).astype(np.uint8), (400, 800))
    (tmp_path / "source" / "a").mkdir(parents=True)
    Image.fromarray(np.ascontiguousarray(pixels)).save(tmp_path / "source" / "a" / "ramp.png")
    convert(tmp_path / "source", tmp_path / "out", ConvertOptions(channels=1, depth=depth, encoding="png"))
    pictures = Pictures(open_dataset(tmp_path / "out"))
    figure = pictures.figure(Example("train", 0), "a ramp")
    with shown(figure) as picture:
        assert picture.size == (SIDE, SIDE // 2)
        middle = np.asarray(picture, np.float64)[SIDE // 4]
    assert np.abs(middle - np.linspace(0, 255, SIDE)).max() < 8
    assert (figure.get("title"), figure[1].text) == ("a/ramp.png", "a ramp")
    assert figure[0].get("alt") == "a ramp: a/ramp.png"


def test_an_example_is_read_once(gray: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = open_dataset(gray)
    pictures = Pictures(dataset)
    first = pictures.figure(Example("train", 3), "once")
    records = dataset.records("train")
    monkeypatch.setattr(records, "pixels", None)
    again = pictures.row([Example("train", 3)], ["twice"])[0]
    assert again[0].get("src") == first[0].get("src")
    assert (first[1].text, again[1].text) == ("once", "twice")
    assert not pictures.damaged
