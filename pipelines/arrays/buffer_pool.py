"""Memory for batches, which is reused.

Page faults on a fresh batch of 77 MB cost more than decoding its images. So memory returns to the
pool when the last array on it is gone, and the next batch is written on pages that are mapped already.
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
"""Bytes of a huge page. With huge pages, a fresh batch of 77 MB has 37 page faults instead of 18,816."""

MAX_SPARE_BUFFERS = 4
"""Buffers that are kept for reuse. As many batches are alive at once: written, prefetched, consumed."""


class BufferPool:
    """Gives out arrays, and takes their memory back when they are gone. Thread-safe.

    The memory of an array is page-aligned (TensorFlow needs 64 bytes). Nothing else uses it until the
    array, every view of it and every tensor made of it are gone.

    Attributes:
        shape: Shape of a full batch, (batch, ...).
        dtype: Type of its elements.
    """

    def __init__(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> None:
        """Sets the largest array.

        Args:
            shape: Shape of a full batch, (batch, ...).
            dtype: Type of its elements.
        """
        self.shape, self.dtype = shape, np.dtype(dtype)
        # A deque, not a list and a lock: memory comes back whenever an array dies, possibly in a
        # thread that holds the lock at that moment. Appending and popping are atomic.
        self._spare: deque[mmap.mmap] = deque(maxlen=MAX_SPARE_BUFFERS)

    def take(self, length: int) -> npt.NDArray[Any]:
        """Returns an array (length, ...) of the pool's type, length <= batch, with undefined content."""
        shape = (length, *self.shape[1:])
        try:
            memory = self._spare.pop()
        except IndexError:
            memory = _map(math.prod(self.shape) * self.dtype.itemsize)
        # All views of an array keep its lowest base array alive. That is `root`, whose own base is not
        # an array. So `root` is deleted last, and then the memory is free.
        root = np.frombuffer(memory, np.uint8, count=math.prod(shape) * self.dtype.itemsize)
        weakref.finalize(root, self._spare.append, memory).atexit = False
        return root.view(self.dtype).reshape(shape)


def _map(size: int) -> mmap.mmap:
    """Maps fresh memory, on huge pages if it is large enough."""
    huge = size >= HUGE_PAGE
    if huge:
        size = -(-size // HUGE_PAGE) * HUGE_PAGE
    # Private: shared anonymous pages would be one memory with forked children.
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if huge:
        ask_for_huge_pages(memory)
    return memory


def ask_for_huge_pages(memory: mmap.mmap) -> None:
    """Asks the kernel to use huge pages for this memory, if it has them."""
    with contextlib.suppress(OSError):  # a kernel that was built without them
        memory.madvise(mmap.MADV_HUGEPAGE)


class ThreadScratch(threading.local):
    """Memory for intermediate results. Each thread has its own, and reuses it from image to image.

    An array that is taken under a name is valid until the same thread takes that name again.
    """

    def __init__(self) -> None:
        """Starts without memory, in each thread."""
        self._memory: dict[str, npt.NDArray[np.uint8]] = {}
        self._taken: dict[str, npt.NDArray[Any]] = {}

    def __reduce__(self) -> tuple[type["ThreadScratch"], tuple[()]]:
        """Pickles nothing: a copy in another process starts without memory."""
        return ThreadScratch, ()

    def take(self, name: str, shape: tuple[int, ...], dtype: npt.DTypeLike = np.uint8) -> npt.NDArray[Any]:
        """Returns a C-contiguous array with undefined content."""
        taken = self._taken.get(name)
        if taken is not None and taken.shape == shape and taken.dtype == dtype:  # the usual case
            return taken
        size = math.prod(shape) * np.dtype(dtype).itemsize
        memory = self._memory.get(name)
        if memory is None or memory.nbytes < size:
            memory = self._memory[name] = np.empty(size, np.uint8)
        taken = self._taken[name] = memory[:size].view(dtype).reshape(shape)
        return taken


SCRATCH = ThreadScratch()
"""Memory of the passes over an image, which cannot keep any themselves. Each pass uses names that nothing it
calls uses. Fresh pages cost far more than writing to them (docs/adr/0015-feeding-speed.md)."""
