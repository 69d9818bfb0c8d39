"""A contact sheet: pictures in rows, masks below them, text below the masks. It knows nothing of datasets."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.text import printable

Box = tuple[int, int, int, int]
"""Left, top, right, bottom, in pixels of the sheet."""

MARGIN, GAP, SPACE = 20, 6, 18
"""Pixels around the sheet; between tiles; between rows, and between pictures side by side."""

TITLE_SIZE, TEXT_SIZE, LEADING = 17, 13, 17
"""Of the font, and from line to line, in pixels."""

INK, FAINT, PAPER, MOUNT = (32, 32, 32), (112, 112, 112), (255, 255, 255), (238, 238, 238)

MAX_SIDE = 65_000
"""The largest height and width that JPEG and most programs can hold, in pixels."""


@dataclass(frozen=True)
class Tile:
    """One version of a picture.

    Attributes:
        image: The picture, made to fit by `fit`.
        masks: Its masks by name, made to fit, too.
        lines: Text below.
        note: A fainter last line. If it is too long, its end is shown.
    """

    image: Image.Image
    masks: Mapping[str, Image.Image] = field(default_factory=dict)
    lines: Sequence[str] = ()
    note: str = ""


@dataclass(frozen=True)
class Placed:
    """Where a tile's pictures are in the sheet."""

    image: Box
    masks: dict[str, Box]


def fit(pixels: npt.NDArray[np.uint8], side: int, *, labels: bool = False) -> Image.Image:
    """Makes a picture fit into a square.

    Args:
        pixels: uint8 (H, W, C), where C is 1 or 3.
        side: Side of the square. A larger picture shrinks. A smaller one grows by a whole factor, so that every
            pixel becomes a square.
        labels: The pixels are numbers of classes. Each class gets a color, and pixels are not mixed.

    Returns:
        RGB, with the picture's aspect ratio.
    """
    height, width = pixels.shape[:2]
    if labels:
        picture = Image.fromarray(MASK_COLORS[pixels[..., 0]])
    else:
        picture = Image.fromarray(np.ascontiguousarray(np.broadcast_to(pixels, (height, width, 3))))
    factor = side // max(height, width)
    if factor >= 1:
        return picture.resize((width * factor, height * factor), Image.Resampling.NEAREST)
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return picture.resize(size, Image.Resampling.NEAREST if labels else Image.Resampling.LANCZOS)


NO_LETTER = "\U0010ffff"
"""No font has a picture of this code point, so each draws it as what it draws for a letter that it lacks."""


class ContactSheet:
    """Draws tiles.

    Attributes:
        missing_letters: Letters of the texts drawn so far that the font does not have.
    """

    def __init__(self, *, side: int, columns: int, font: Path | None = None) -> None:
        """Sets the layout.

        Args:
            side: Side of a tile, in pixels.
            columns: Groups of tiles side by side.
            font: A TrueType or OpenType file. None: the font of Pillow, which has ASCII only.

        Raises:
            UsageError: If the font cannot be read.
        """
        self.missing_letters: set[str] = set()
        self._side, self._columns, self._own_font = side, columns, font is not None
        try:
            self._title, self._text = (
                ImageFont.truetype(BytesIO(font.read_bytes()), size) if font else ImageFont.load_default(size)
                for size in (TITLE_SIZE, TEXT_SIZE)
            )
        except OSError as error:
            msg = f"{font} cannot be read as a font ({error}). Pass a .ttf or .otf file."
            raise UsageError(msg) from error

    def draw(
        self, title: str, details: str, heads: Sequence[str], groups: Sequence[Sequence[Tile]]
    ) -> tuple[Image.Image, list[list[Placed]]]:
        """Draws the sheet.

        Args:
            title: First line.
            details: Text below it, wrapped; may be empty.
            heads: What the tiles of each group are, in order; empty if a group has one tile only.
            groups: Groups of tiles, all of the same number.

        Returns:
            The sheet, RGB, and where everything is.

        Raises:
            UsageError: If it would be too large for an image file.
        """
        versions = len(groups[0])
        group_width = versions * self._side + (versions - 1) * GAP
        columns = min(self._columns, len(groups))
        width = 2 * MARGIN + columns * group_width + (columns - 1) * SPACE
        wrapped = self._wrap(details, width - 2 * MARGIN)
        top = MARGIN + TITLE_SIZE + 8 + len(wrapped) * LEADING + SPACE // 2
        rows = [groups[first : first + columns] for first in range(0, len(groups), columns)]
        begin = top + (LEADING + 4 if heads else 0)
        heights = [self._height(row) for row in rows]
        height = begin + sum(heights) + (len(rows) - 1) * SPACE + MARGIN
        if max(width, height) > MAX_SIDE:
            msg = f"the sheet would have {width} x {height} pixels. Ask for fewer pictures, more columns or smaller tiles."
            raise UsageError(msg)

        sheet = Image.new("RGB", (width, height), PAPER)
        pen = ImageDraw.Draw(sheet)
        pen.text((MARGIN, MARGIN), self._cut(title, width - 2 * MARGIN, self._title), INK, self._title)
        for number, line in enumerate(wrapped):
            pen.text((MARGIN, MARGIN + TITLE_SIZE + 8 + number * LEADING), line, FAINT, self._text)
        lefts = [MARGIN + column * (group_width + SPACE) for column in range(columns)]
        for left in lefts:
            for number, head in enumerate(heads):
                place = (left + number * (self._side + GAP), top)
                pen.text(place, self._cut(head, self._side, self._text), FAINT, self._text)
        placed, y = [], begin
        for row, row_height in zip(rows, heights, strict=True):
            for left, group in zip(lefts, row, strict=False):
                places = [left + number * (self._side + GAP) for number in range(versions)]
                placed.append(self._draw_group(sheet, pen, group, places, y, self._picture_height(row)))
            y += row_height + SPACE
        return sheet, placed

    def _draw_group(
        self,
        sheet: Image.Image,
        pen: ImageDraw.ImageDraw,
        group: Sequence[Tile],
        lefts: Sequence[int],
        y: int,
        height: int,
    ) -> list[Placed]:
        placed = []
        for left, tile in zip(lefts, group, strict=True):
            boxes, below = [], y
            for picture in (tile.image, *tile.masks.values()):
                # On a gray mount, so that the borders of white pictures can be seen.
                pen.rectangle((left, below, left + self._side - 1, below + height - 1), MOUNT)
                x0, y0 = left + (self._side - picture.width) // 2, below + (height - picture.height) // 2
                sheet.paste(picture, (x0, y0))
                boxes.append((x0, y0, x0 + picture.width, y0 + picture.height))
                below += height + GAP
            for line in tile.lines:
                pen.text((left, below), self._cut(line, self._side, self._text), INK, self._text)
                below += LEADING
            if tile.note:
                note = self._cut(tile.note, self._side, self._text, end=True)
                pen.text((left, below), note, FAINT, self._text)
            placed.append(Placed(boxes[0], dict(zip(tile.masks, boxes[1:], strict=True))))
        return placed

    def _picture_height(self, row: Sequence[Sequence[Tile]]) -> int:
        return max(tile.image.height for group in row for tile in group)

    def _height(self, row: Sequence[Sequence[Tile]]) -> int:
        tiles = [tile for group in row for tile in group]
        pictures = 1 + max(len(tile.masks) for tile in tiles)
        lines = max(len(tile.lines) + bool(tile.note) for tile in tiles)
        return pictures * (self._picture_height(row) + GAP) + lines * LEADING

    def _wrap(self, text: str, width: int) -> list[str]:
        lines: list[str] = []
        for word in self._legible(text).split():
            longer = f"{lines[-1]} {word}" if lines else word
            if lines and self._text.getlength(longer) <= width:
                lines[-1] = longer
            else:
                lines.append(self._cut(word, width, self._text))
        return lines

    def _cut(self, text: str, width: int, font: Any, *, end: bool = False) -> str:
        """As much of a text as fits: its beginning, or its end."""
        text = self._legible(text)
        if font.getlength(text) <= width:
            return text
        while text and font.getlength(f"{text}…") > width:
            text = text[1:] if end else text[:-1]
        return f"…{text}" if end else f"{text}…"

    def _legible(self, text: str) -> str:
        """What the font can show. If it has ASCII only, letters lose their accents."""
        text = printable(text)
        self.missing_letters.update(filter(self._lacks, set(text) - self.missing_letters))
        if self._own_font:
            return text
        plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
        return "".join(c if c.isascii() or c in "…·" else "?" for c in plain)

    def _lacks(self, letter: str) -> bool:
        """Whether the font does not have a letter."""
        if not self._own_font:
            return not letter.isascii() and letter not in "…·"
        return not letter.isspace() and _drawn(letter, self._text) == _drawn(NO_LETTER, self._text)


def _drawn(letter: str, font: Any) -> bytes:
    return bytes(font.getmask(letter))


def _palette() -> npt.NDArray[np.uint8]:
    """Colors of class numbers as in the masks of Pascal VOC: uint8 (256, 3). 0 is black."""
    numbers = np.arange(256)
    colors = np.zeros((256, 3), np.uint8)
    for triple in range(3):
        for channel in range(3):
            bit = numbers >> (3 * triple + channel) & 1
            colors[:, channel] |= (bit << (7 - triple)).astype(np.uint8)
    return colors


MASK_COLORS = _palette()
"""The color of each value of a mask: uint8 (256, 3)."""
