"""Memory for batches that several processes write to, used again and again.

One anonymous file in memory (memfd) is cut into slots of one batch each. It is no file of /dev/shm,
which in a container often ends at 64 MB, and it is gone with the last process that has it open,
however that process ends.
"""

import math
import mmap
import os
import threading
import weakref
from collections import deque
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.arrays.buffer_pool import HUGE_PAGE, ask_for_huge_pages


class BatchLayout(NamedTuple):
    """Which arrays stand in the slots.

    Attributes:
        shape: Shape of a full batch, (batch, ...).
        dtype: Its type.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def array_bytes(self) -> int:
        """Of a full batch."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def slot_bytes(self) -> int:
        """From one slot to the next: whole pages, and whole huge pages where it is larger than one."""
        page = HUGE_PAGE if self.array_bytes >= HUGE_PAGE else mmap.PAGESIZE
        return max(1, -(-self.array_bytes // page)) * page

    def map(self, descriptor: int, slot: int) -> mmap.mmap:
        """Maps a slot, to be read and written."""
        memory = mmap.mmap(descriptor, self.slot_bytes, offset=slot * self.slot_bytes)
        if self.slot_bytes >= HUGE_PAGE:
            ask_for_huge_pages(memory)
        return memory


class Slot(NamedTuple):
    """Memory of one batch, and its number in the file."""

    number: int
    memory: mmap.mmap


class SharedBuffers:
    """Hands out arrays and takes their memory back by itself, as `BufferPool` does. Thread-safe.

    Attributes:
        descriptor: Of the file; other processes map a slot of it by its number.
        layout: Of the slots.
    """

    def __init__(self, layout: BatchLayout, *, spare: int) -> None:
        """Makes the file, without memory so far.

        Args:
            layout: Of the slots.
            spare: So many free slots keep their memory.
        """
        self.layout, self._keep = layout, spare
        self.descriptor = os.memfd_create("fitfeed")
        weakref.finalize(self, os.close, self.descriptor)
        self._count = 0
        self._growing = threading.Lock()  # taken here only, never where memory comes back
        self._spare: deque[Slot] = deque()  # appending and popping are atomic: see `BufferPool`

    def take(self, length: int) -> tuple[npt.NDArray[Any], int]:
        """An array of `length` <= batch elements with undefined content, and the number of its slot."""
        shape, dtype = (length, *self.layout.shape[1:]), self.layout.dtype
        try:
            slot = self._spare.pop()
        except IndexError:
            slot = self._grow()
        root = np.frombuffer(slot.memory, np.uint8, count=math.prod(shape) * dtype.itemsize)
        weakref.finalize(root, self._take_back, slot).atexit = False
        return root.view(dtype).reshape(shape), slot.number

    def _grow(self) -> Slot:
        with self._growing:
            number = self._count
            os.ftruncate(self.descriptor, (number + 1) * self.layout.slot_bytes)
            self._count += 1
        return Slot(number, self.layout.map(self.descriptor, number))

    def _take_back(self, slot: Slot) -> None:
        if len(self._spare) < self._keep:
            self._spare.append(slot)
        else:  # its number stays, the memory goes, and it is the last to be used again
            slot.memory.madvise(mmap.MADV_REMOVE)
            self._spare.appendleft(slot)
