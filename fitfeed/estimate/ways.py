"""The ways to store a source that are compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from fitfeed.converters.options import ConvertOptions
from fitfeed.pipelines.stages.changes import ROOM_TO_CROP, WORTH_SMALLER

WayEncoding = Literal["keep", "jpeg", "png", "raw"]

ROOMS = (ROOM_TO_CROP, 1.5 * ROOM_TO_CROP)
"""Stored sides for an output side of 1: 256 and 384 for 224."""

STEP = 32
"""Sides are multiples of it."""


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way to store images.

    Attributes:
        encoding: How.
        side: As for `--size`; None: images keep their own size.
        quality: Of JPEG.
    """

    encoding: WayEncoding
    side: int | None = None
    quality: int = 90

    def options(self, folders: Mapping[str, str] | None = None) -> ConvertOptions:
        """The options of a conversion.

        Args:
            folders: Folders that are splits.
        """
        return ConvertOptions(
            encoding=self.encoding,
            size=None if self.side is None else (self.side, self.side),
            quality=self.quality,
            split_folders=folders,
            shards=None if folders is None else 1,
        )

    @property
    def flags(self) -> str:
        """The options that `fitfeed convert` takes for it, without those that are defaults; empty if all are."""
        flags = [] if self.side is None else [f"--size {self.side}"]
        default = "keep" if self.side is None else "jpeg"
        if self.encoding != default:
            flags.append(f"--encoding {self.encoding}")
        if self.encoding == "jpeg" and self.quality != 90:
            flags.append(f"--quality {self.quality}")
        return " ".join(flags)


def usual_sides(*, image_side: int, stored_side: int) -> list[int]:
    """Sides that are worth a look.

    Args:
        image_side: What a training takes, the larger side.
        stored_side: The shorter side of the images as they are, median.

    Returns:
        At least one: of small images, their own.
    """
    sides = [max(STEP, round(image_side * room / STEP) * STEP) for room in ROOMS]
    smaller = [side for side in sides if side <= WORTH_SMALLER * stored_side]
    return smaller or [min(image_side, stored_side)]


def ways_for(sides: Sequence[int], *, quality: int) -> list[Way]:
    """All encodings of these sides. PNG is first, as what JPEG loses is told from it."""
    encodings: tuple[WayEncoding, ...] = ("png", "jpeg", "raw")
    return [Way(encoding=encoding, side=side, quality=quality) for encoding in encodings for side in sides]
