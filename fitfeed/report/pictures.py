"""Pictures of the page: examples, read by the index one by one, as small JPEG files inside it."""

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PIL import Image

from fitfeed.report.elements import Element, element
from fitfeed.report.facts import Example
from fitfeed.schemas.bit_depth import on_screen
from fitfeed.schemas.errors import DamagedExampleError
from fitfeed.schemas.payload import DecodeWindow

if TYPE_CHECKING:
    from fitfeed.pipelines import Dataset

SIDE, QUALITY = 96, 72
SHRINKS = (8, 4, 2, 1)


class Pictures:
    """Makes figures of examples. Each example is read once.

    Attributes:
        damaged: What could not be read: what the error says.
    """

    def __init__(self, dataset: "Dataset") -> None:
        """Reads nothing yet."""
        self._dataset = dataset
        self._made: dict[Example, str | None] = {}
        self.damaged: list[str] = []

    def row(self, examples: Sequence[Example], captions: Sequence[str]) -> Element:
        """Some figures side by side."""
        return element(
            "div", *(self.figure(*pair) for pair in zip(examples, captions, strict=True)), class_="row"
        )

    def figure(self, example: Example, caption: str) -> Element:
        """A small picture of an example, with text below."""
        key, address = self.key(example), self._address(example)
        shown = (
            element("p", "damaged", class_="finding")
            if address is None
            else element("img", src=address, alt=f"{caption}: {key}", loading="lazy")
        )
        return element("figure", shown, element("figcaption", caption), class_="picture", title=key)

    def key(self, example: Example) -> str:
        """The key of an example."""
        return self._dataset.records(example.split).index.key(example.row)

    def _address(self, example: Example) -> str | None:
        if example not in self._made:
            try:
                self._made[example] = self._encoded(example)
            except DamagedExampleError as error:
                self._made[example] = None
                self.damaged.append(str(error))
        return self._made[example]

    def _encoded(self, example: Example) -> str:
        records = self._dataset.records(example.split)
        longer = max(int(records.index.height[example.row]), int(records.index.width[example.row]))
        shrink = next(each for each in SHRINKS if each == 1 or longer // each >= SIDE)
        pixels = on_screen(records.pixels(example.row, DecodeWindow(shrink=shrink)).pixels)
        picture = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
        picture.thumbnail((SIDE, SIDE))
        content = io.BytesIO()
        picture.save(content, "JPEG", quality=QUALITY)
        return f"data:image/jpeg;base64,{base64.b64encode(content.getvalue()).decode()}"
