"""Finds out what all byte strings of a feature hold: images, serialized tensors or saved arrays."""

from collections import Counter
from typing import Literal, NamedTuple

from fitfeed.converters.inspect.array_headers import ArrayHeader, npy_header, tensor_header
from fitfeed.converters.inspect.image_formats import ImageHeader, image_format, image_header
from fitfeed.converters.inspect.report import Content


class ContentScan:
    """Looks at one byte string after another."""

    def __init__(self) -> None:
        """Starts with none."""
        self.images: Counter[str] = Counter()
        self._count = 0
        self._kinds: set[_ImageKind | None] = set()
        self._sizes: set[tuple[int, int]] = set()
        self._tensors: Counter[ArrayHeader] = Counter()
        self._arrays: Counter[ArrayHeader] = Counter()

    def add(self, value: bytes) -> None:
        """Adds one value, which may be only the beginning of it."""
        self._count += 1
        if len(value) < MIN_HEADER:
            return
        image = image_format(value)
        if image is not None:
            self.images[image] += 1
            self._add_header(image_header(value))
        elif len(self._tensors) + len(self._arrays) <= MAX_HEADERS:
            for found, header in ((self._tensors, tensor_header(value)), (self._arrays, npy_header(value))):
                if header is not None:
                    found[header] += 1

    def _add_header(self, header: ImageHeader | None) -> None:
        self._kinds.add(
            None if header is None else _ImageKind(header.channels, header.bits, header.is_palette)
        )
        if len(self._sizes) < 2:  # two show that they differ
            self._sizes.add((-1, -1) if header is None else (header.height, header.width))

    @property
    def content(self) -> Content | None:
        """What all values hold; None if they do not hold the same, or that is not known."""
        if not self._count:
            return None
        if self.images.total() == self._count:
            return self._image()
        if self._tensors.total() == self._count:
            return _array("tensor", self._tensors)
        return _array("npy", self._arrays) if self._arrays.total() == self._count else None

    def _image(self) -> Content:
        kinds = [kind for kind in self._kinds if kind is not None]
        formats = tuple(sorted(self.images))
        channels = _channels(kinds, formats) if len(kinds) == len(self._kinds) else None
        size = next(iter(self._sizes)) if len(self._sizes) == 1 else (-1, -1)
        return Content(
            kind="image",
            dtype="uint16" if any(kind.bits == 16 for kind in kinds) else "uint8",
            shape=(*(None if side < 0 else side for side in size), channels),
            formats=formats,
            channels=channels,
            is_palette=channels == 1 and all(kind.is_palette for kind in kinds),
        )


class _ImageKind(NamedTuple):
    channels: int
    bits: int
    is_palette: bool


def _channels(kinds: list[_ImageKind], formats: tuple[str, ...]) -> int:
    """As many channels as keep all of each image."""
    if all(kind.is_palette for kind in kinds):
        return 1
    # Alpha of a palette is not in the header. Colors are.
    found = {3 if kind.is_palette else kind.channels for kind in kinds}
    if found in ({1}, {2}):
        return found.pop()
    alpha = bool(found & {2, 4}) and formats == ("png",)  # no decoder adds alpha to a JPEG
    return 4 if alpha else 3


def _array(kind: Literal["tensor", "npy"], found: Counter[ArrayHeader]) -> Content | None:
    dtypes, ranks = {header.dtype for header in found}, {len(header.shape) for header in found}
    if len(found) > MAX_HEADERS or len(dtypes) > 1 or len(ranks) > 1:
        return None
    sides = zip(*(header.shape for header in found), strict=True)
    shape = tuple(sizes[0] if len(set(sizes)) == 1 else None for sizes in sides)
    return Content(kind=kind, dtype=dtypes.pop(), shape=shape)


MIN_HEADER = 4
"""Bytes of the shortest header that is recognized."""

MAX_HEADERS = 1000
"""Different headers of arrays that are remembered. With more of them, the feature is bytes."""
