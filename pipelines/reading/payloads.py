"""The stored bytes of the examples of a batch, read before the batch is made."""

from collections.abc import Sequence
from typing import overload

import numpy as np
import numpy.typing as npt
from typing_extensions import override

Payload = bytes | memoryview
"""Stored bytes. Empty if they could not be read: reading the example alone tells why."""


class ReadPayloads(Sequence[Payload]):
    """Payloads that lie in one piece of memory. Immutable.

    Attributes:
        starts: int64 (n,), where each begins there; -1 if it could not be read.
        lengths: int64 (n,), bytes of each.
        slot: The number of the memory, if worker processes share it; else None.
    """

    def __init__(
        self,
        memory: npt.NDArray[np.uint8],
        starts: npt.NDArray[np.int64],
        lengths: npt.NDArray[np.int64],
        *,
        slot: int | None = None,
    ) -> None:
        """Takes the memory.

        Args:
            memory: uint8 (bytes,).
            starts: int64 (n,), as the attribute.
            lengths: int64 (n,), as the attribute.
            slot: As the attribute.
        """
        self._memory, self.starts, self.lengths, self.slot = memory, starts, lengths, slot

    @override
    def __len__(self) -> int:
        return len(self.starts)

    @overload
    def __getitem__(self, place: int) -> Payload: ...
    @overload
    def __getitem__(self, place: slice) -> "ReadPayloads": ...
    @override
    def __getitem__(self, place: int | slice) -> "Payload | ReadPayloads":
        if isinstance(place, slice):
            return ReadPayloads(self._memory, self.starts[place], self.lengths[place], slot=self.slot)
        start = int(self.starts[place])
        return self._memory[start : start + int(self.lengths[place])].data if start >= 0 else b""
