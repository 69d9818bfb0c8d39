"""Small pictures inside the page."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from fitfeed.preview.contact_sheet import MASK_COLORS
from fitfeed.report.picture_data import MAX_BYTES, SIDE, as_jpeg, mask_as_png, mask_color, shrunk


def decoded(address: str) -> tuple[bytes, Image.Image]:
    content = base64.b64decode(address.partition(",")[2])
    return content, Image.open(io.BytesIO(content))


@pytest.mark.parametrize("channels", [1, 3])
def test_no_picture_is_large_however_much_it_has_in_it(channels: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 200, channels), np.uint8)
    content, picture = decoded(as_jpeg(shrunk(noise)))
    assert picture.size == (SIDE * 2 // 3, SIDE)
    worst = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, channels), np.uint8)
    content, picture = decoded(as_jpeg(worst))
    assert len(content) <= MAX_BYTES
    assert picture.size == (SIDE, SIDE)


def test_a_mask_has_its_colors_and_no_others() -> None:
    mask = np.zeros((300, 150, 1), np.uint8)
    mask[100:], mask[200:] = 1, 255
    _, picture = decoded(mask_as_png(mask))
    pixels = np.asarray(picture.convert("RGB"))
    assert pixels.shape == (SIDE, SIDE // 2, 3)
    colors = {tuple(color) for color in pixels.reshape(-1, 3).tolist()}
    assert colors == {tuple(MASK_COLORS[value].tolist()) for value in (0, 1, 255)}
    assert mask_color(1) == "#800000"
