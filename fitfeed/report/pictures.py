"""Pictures of the page: examples, read by the index one by one, as small JPEG files inside it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fitfeed.report.elements import Element, element
from fitfeed.report.facts import Example
from fitfeed.report.picture_data import SIDE, as_jpeg, mask_as_png, shrunk
from fitfeed.schemas.bit_depth import on_screen
from fitfeed.schemas.errors import DamagedExampleError
from fitfeed.schemas.payload import DecodeWindow

if TYPE_CHECKING:
    from fitfeed.pipelines import Dataset

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
            else element("img", src=address, alt=f"{caption}: {key}", decoding="async")
        )
        return element("figure", shown, element("figcaption", caption), class_="picture", title=key)

    def pair(self, first: Example, second: Example, caption: str) -> Element:
        """Two examples side by side, with one text below."""
        keys = [self.key(each) for each in (first, second)]
        shown = [
            element("p", "damaged", class_="finding")
            if (address := self._address(example)) is None
            else element("img", src=address, alt=f"{caption}: {key}", decoding="async")
            for example, key in zip((first, second), keys, strict=True)
        ]
        caption_below = element("figcaption", caption)
        return element("figure", *shown, caption_below, class_="picture several", title=" and ".join(keys))

    def with_masks(self, example: Example, names: Sequence[str]) -> Element:
        """A small picture of an example, and its masks beside it."""
        key, address = self.key(example), self._address(example)
        images = [("image", address), *((name, self._mask(example, name)) for name in names)]
        shown = [
            element("img", src=of, alt=f"{what} of {key}", decoding="async")
            for what, of in images
            if of is not None
        ]
        damaged = element("p", "damaged", class_="finding") if len(shown) < len(images) else None
        caption = element("figcaption", key.rpartition("/")[2])
        return element("figure", *shown, damaged, caption, class_="picture several", title=key)

    def _mask(self, example: Example, name: str) -> str | None:
        try:
            return mask_as_png(self._dataset.records(example.split).mask(name, example.row))
        except DamagedExampleError as error:
            self.damaged.append(str(error))
            return None

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
        pixels = records.pixels(example.row, DecodeWindow(shrink=shrink)).pixels
        return as_jpeg(shrunk(on_screen(pixels)))
