"""Addresses of single images and masks: `fitfeed://DATASET/FINGERPRINT/SPLIT/COLUMN/NUMBER`.

The parts are percent-encoded, so no slash, wildcard or `::` of a path is taken for one of the address.
"""

import os
from typing import NamedTuple, Self
from urllib.parse import quote, unquote_to_bytes

PROTOCOL = "fitfeed"
FINGERPRINT_DIGITS = 16
_PARTS = 5


class ExampleAddress(NamedTuple):
    """Which image or mask is meant.

    Attributes:
        dataset: Path or address of the dataset.
        fingerprint: The first 16 digits of its fingerprint: another dataset in its place has other examples.
        split: The split.
        column: "image", or the name of a mask.
        number: The example's number in the split.
    """

    dataset: str
    fingerprint: str
    split: str
    column: str
    number: int

    def prefix(self) -> str:
        """The address up to the number, which follows as decimal digits."""
        parts = map(os.fsencode, (self.dataset, self.fingerprint, self.split, self.column))
        return f"{PROTOCOL}://" + "".join(quote(part, safe="") + "/" for part in parts)

    @classmethod
    def parse(cls, address: str) -> Self:
        """Reads an address, with or without `fitfeed://`.

        Raises:
            ValueError: If it is not one.
        """
        parts = address.removeprefix(f"{PROTOCOL}://").split("/")
        if len(parts) != _PARTS or not (parts[-1].isascii() and parts[-1].isdecimal()):
            msg = f"expected fitfeed://DATASET/FINGERPRINT/SPLIT/COLUMN/NUMBER. Received: {address!r}"
            raise ValueError(msg)
        dataset, fingerprint, split, column = (os.fsdecode(unquote_to_bytes(part)) for part in parts[:-1])
        return cls(dataset, fingerprint, split, column, int(parts[-1]))
