"""Tiles, text and fonts of a contact sheet."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFont

from fitfeed.preview.contact_sheet import ContactSheet, Tile, fit
from fitfeed.schemas.errors import UsageError


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
    assert sheet.missing_letters == {"é", "ß", "中"}
    assert sheet._cut("some/path/of/a/picture.jpg", 100, sheet._text, end=True).endswith("picture.jpg")
    drawn, placed = sheet.draw("title", "", [], [[Tile(image, {}, texts, "note")]])
    pixels = np.asarray(drawn)
    assert (pixels[:, :18] == 255).all()  # nothing runs into the margins, but for the rim of a letter
    assert (pixels[:, -18:] == 255).all()
    assert placed[0][0].masks == {}
    with pytest.raises(UsageError, match=r"the sheet would have .* pixels"):
        sheet.draw("title", "", [], [[Tile(image)]] * 4000)


def test_a_font_of_ones_own(tmp_path: Path) -> None:
    default = ImageFont.load_default(12)
    assert isinstance(default, ImageFont.FreeTypeFont)
    (tmp_path / "own.ttf").write_bytes(default.font_bytes)
    sheet = ContactSheet(side=100, columns=1, font=tmp_path / "own.ttf")
    assert sheet._cut("aéß中 b", 100, sheet._text) == "aéß中 b"
    assert sheet.missing_letters == {"é", "ß", "中"}
    with pytest.raises(UsageError, match=r"none\.ttf cannot be read as a font"):
        ContactSheet(side=100, columns=1, font=tmp_path / "none.ttf")
    (tmp_path / "text.ttf").write_text("no font")
    with pytest.raises(UsageError, match="cannot be read as a font"):
        ContactSheet(side=100, columns=1, font=tmp_path / "text.ttf")
