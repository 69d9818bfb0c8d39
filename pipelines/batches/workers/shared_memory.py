"""Memory for batches that several processes write to, which is reused.

One anonymous file in memory (memfd) is cut into slots of one batch each. It is not in /dev/shm, which is
often limited to 64 MB in a container. It is gone when the last process that has it open ends, in
whatever way.
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
    """Shape and type of the arrays in the slots.

    Attributes:
        shape: Shape of a full batch, (batch, ...).
        dtype: Type of its elements.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def array_bytes(self) -> int:
        """Bytes of a full batch."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def slot_bytes(self) -> int:
        """Bytes from one slot to the next: whole pages, or whole huge pages if a batch is larger than one."""
        page = HUGE_PAGE if self.array_bytes >= HUGE_PAGE else mmap.PAGESIZE
        return max(1, -(-self.array_bytes // page)) * page

    def map(self, descriptor: int, slot: int) -> mmap.mmap:
        """Maps a slot for reading and writing."""
        memory = mmap.mmap(descriptor, self.slot_bytes, offset=slot * self.slot_bytes)
        if self.slot_bytes >= HUGE_PAGE:
            ask_for_huge_pages(memory)
        return memory


class Slot(NamedTuple):
    """Memory of one batch, and its number in the file."""

    number: int
    memory: mmap.mmap


class SharedBuffers:
    """Gives out arrays, and takes their memory back when they are gone, as `BufferPool`. Thread-safe.

    Attributes:
        descriptor: Descriptor of the file. Other processes map a slot of it by its number.
        layout: Shape and type of the slots.
    """

    def __init__(self, layout: BatchLayout, *, spare: int) -> None:
        """Makes the file, which has no memory yet.

        Args:
            layout: Shape and type of the slots.
            spare: How many free slots keep their memory.
        """
        self.layout, self._keep = layout, spare
        self.descriptor = os.memfd_create("fitfeed")
        weakref.finalize(self, os.close, self.descriptor)
        self._count = 0
        self._growing = threading.Lock()  # held in `_grow` only, and never where memory comes back
        self._spare: deque[Slot] = deque()  # appending and popping are atomic: see `BufferPool`

    def take(self, length: int) -> tuple[npt.NDArray[Any], int]:
        """Returns an array (length, ...) with undefined content, length <= batch, and the number of its slot."""
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
        else:  # the slot keeps its number, loses its memory, and is the last to be reused
            slot.memory.madvise(mmap.MADV_REMOVE)
            self._spare.appendleft(slot)
