"""What a contact sheet shows, checked before anything is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fitfeed.schemas.errors import UsageError

if TYPE_CHECKING:
    from fitfeed.pipelines import Augmentation

COUNT, DRAWS, SIDE = 8, 4, 160

COLUMNS = 4
"""Stored pictures side by side. With augmented versions, which have columns of their own, it is one."""

MAX_PIXELS = 200_000_000
"""Pixels of all tiles together. A larger sheet would take gigabytes, and be too large to look at."""


@dataclass(frozen=True, kw_only=True)
class SheetOptions:
    """What a sheet shows, and how.

    Attributes:
        split: Of which; None: train, or the first one.
        count: Pictures.
        augment: As for `make_pipeline`.
        written: The augmentations as text, for the sheet.
        image_size: As for `make_pipeline`, of augmented pictures.
        draws: Augmented versions of each; None: four if there are augmentations.
        seed: Chooses the pictures and augments them.
        columns: Pictures side by side; None: four, with augmentations one.
        side: Of a picture, in pixels.
        font: For letters that are not ASCII.
    """

    split: str | None = None
    count: int = COUNT
    augment: "Sequence[Augmentation]" = ()
    written: str = ""
    image_size: tuple[int, int] | None = None
    draws: int | None = None
    seed: int = 0
    columns: int | None = None
    side: int = SIDE
    font: Path | None = None

    def check(self, *, is_augmented: bool, options: str = "", side: str = "tile") -> None:
        """Refuses numbers that a sheet cannot have, and those that would have no effect.

        Args:
            is_augmented: Whether augmentations are given.
            options: What names of options begin with.
            side: What the side of a picture is called.

        Raises:
            UsageError: Naming the option.
        """
        least = {
            "count": (self.count, 1),
            "draws": (self.draws, 1),
            "columns": (self.columns, 1),
            side: (self.side, 16),
        }
        for name, (value, bound) in least.items():
            if value is not None and value < bound:
                msg = f"{options}{name} expects a number from {bound}. Received: {value}"
                raise UsageError(msg)
        size = "image-size" if options else "image_size"
        for name, given in (("draws", self.draws), (size, self.image_size)):
            if given is not None and not is_augmented:
                msg = f"{options}{name} is about augmented pictures. Pass {options}augment too."
                raise UsageError(msg)
        versions = 1 + (self.draws or DRAWS) if is_augmented else 1
        if self.count * versions * self.side**2 > MAX_PIXELS:
            msg = (
                f"{self.count * versions} tiles of {self.side} x {self.side} pixels are more than a sheet can "
                f"hold ({MAX_PIXELS:,} pixels). Ask for a smaller {options}count, {options}draws or {options}{side}."
            )
            raise UsageError(msg)
