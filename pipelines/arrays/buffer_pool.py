"""Memory for batches, used again and again.

A fresh 77 MB batch costs more in page faults than decoding its images. So memory returns here when
the last array on it is gone, and the next batch is written on pages that are already mapped.
"""

import contextlib
import math
import mmap
import threading
import weakref
from collections import deque
from typing import Any

import numpy as np
import numpy.typing as npt

HUGE_PAGE = 2 << 20  # 2 MiB
"""Page faults on a fresh batch of 77 MB: 37 instead of 18,816."""

MAX_SPARE_BUFFERS = 4
"""Kept for re-use. As many batches are on their way at once (being filled, prefetched, consumed)."""


class BufferPool:
    """Hands out arrays and takes their memory back by itself. Thread-safe.

    An array's memory is page-aligned (TensorFlow wants 64 bytes) and belongs to nobody else until
    the array, every view of it and every tensor made of it are gone.
    """

    def __init__(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> None:
        """Sets the largest array.

        Args:
            shape: Shape of a full batch, (batch, ...).
            dtype: Its type.
        """
        self._shape, self._dtype = shape, np.dtype(dtype)
        # A deque, not a list and a lock: memory comes back whenever an array dies, possibly in a
        # thread that holds the lock at that moment. Appending and popping are atomic.
        self._spare: deque[mmap.mmap] = deque(maxlen=MAX_SPARE_BUFFERS)

    def take(self, length: int) -> npt.NDArray[Any]:
        """An array of `length` <= batch elements, with undefined content."""
        shape = (length, *self._shape[1:])
        try:
            memory = self._spare.pop()
        except IndexError:
            memory = _map(math.prod(self._shape) * self._dtype.itemsize)
        # Views of an array keep alive the lowest array below them: `root`, whose base is no array.
        # So `root` dies last, and its death is the moment when the memory is free.
        root = np.frombuffer(memory, np.uint8, count=math.prod(shape) * self._dtype.itemsize)
        weakref.finalize(root, self._spare.append, memory).atexit = False
        return root.view(self._dtype).reshape(shape)


def _map(size: int) -> mmap.mmap:
    """Fresh memory, on huge pages where that makes sense and the system lets programs ask for them."""
    huge = size >= HUGE_PAGE
    if huge:
        size = -(-size // HUGE_PAGE) * HUGE_PAGE
    # Private: shared anonymous pages would be one memory with forked children.
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if huge:
        ask_for_huge_pages(memory)
    return memory


def ask_for_huge_pages(memory: mmap.mmap) -> None:
    """Lets the kernel use them where it can."""
    with contextlib.suppress(OSError):  # a kernel that was built without them
        memory.madvise(mmap.MADV_HUGEPAGE)


class ThreadScratch(threading.local):
    """Memory for intermediate results: of each thread its own, and used again from image to image.

    What is taken under a name is valid until the same thread takes that name again.
    """

    def __init__(self) -> None:
        """Starts empty, in each thread."""
        self._memory: dict[str, npt.NDArray[np.uint8]] = {}
        self._taken: dict[str, npt.NDArray[Any]] = {}

    def __reduce__(self) -> tuple[type["ThreadScratch"], tuple[()]]:
        """Another process starts empty as well."""
        return ThreadScratch, ()

    def take(self, name: str, shape: tuple[int, ...], dtype: npt.DTypeLike = np.uint8) -> npt.NDArray[Any]:
        """A C-contiguous array with undefined content."""
        taken = self._taken.get(name)
        if taken is not None and taken.shape == shape and taken.dtype == dtype:  # mostly so
            return taken
        size = math.prod(shape) * np.dtype(dtype).itemsize
        memory = self._memory.get(name)
        if memory is None or memory.nbytes < size:
            memory = self._memory[name] = np.empty(size, np.uint8)
        taken = self._taken[name] = memory[:size].view(dtype).reshape(shape)
        return taken


SCRATCH = ThreadScratch()
"""Of the passes over an image, which have no place of their own to keep memory. Each uses names that
nothing it calls uses. Fresh pages cost far more than what is written to them (docs/adr/0015-feeding-speed.md)."""
