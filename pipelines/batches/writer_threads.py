"""Threads that write the images of a batch, each at its place."""

import math
import threading
import time
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor, wait

import cv2

from fitfeed.schemas.cpus import available_cpus
from fitfeed.schemas.errors import DamagedExampleError

Damaged = dict[int, DamagedExampleError]
"""Place in a batch to the error of the damaged example there. Empty unless damaged examples are skipped."""

MAX_BLOCK = 16
"""Images per task, at most: enough that the cost of a task vanishes, few enough to balance the threads."""


class WriterThreads:
    """Writes batches in threads. Thread-safe; not picklable.

    Threads work in parallel: reading, decoding, resizing and normalizing release the interpreter lock.
    The Python code between does not release it, and keeps one CPU busy from some 15,000 images a second
    on. So there are worker processes too, and each has a lock of its own.
    """

    def __init__(self, count: int | None = None, *, skips: bool = False) -> None:
        """Prepares the threads, which start when they are needed.

        Args:
            count: How many. None: the CPUs that this process may use. No batch depends on it.
            skips: Whether damaged examples are returned and left out. If not, they are errors.
        """
        self._count, self.skips = count or available_cpus(), skips
        # This holds for the whole process, as OpenCV has nothing narrower. It would divide images above
        # 256 x 256 among as many threads again, which wait for each other: 7 to 28% more CPU time.
        cv2.setNumThreads(1)
        self._callers = threading.local()
        self._pool = ThreadPoolExecutor(self._count, thread_name_prefix="fitfeed")

    def write(self, write: Callable[[int], None], count: int) -> Damaged:
        """Writes all places of a batch.

        Args:
            write: A function of a place, which any thread may call.
            count: Number of places.

        Returns:
            The damaged examples, if they are skipped.

        Raises:
            DamagedExampleError: If an example is damaged and damaged ones are not skipped.
        """
        size = min(MAX_BLOCK, math.ceil(count / self._count))
        blocks = [range(first, min(first + size, count)) for first in range(0, count, size)]
        tasks = [self._pool.submit(self._write_block, write, block) for block in blocks]
        # All tasks must end before an error is raised: it frees the memory that they write to.
        wait(tasks)
        written = [task.result() for task in tasks]
        self._callers.cpu_s = self.cpu_s + sum(cpu_s for _, cpu_s in written)
        return {place: error for damaged, _ in written for place, error in damaged.items()}

    @property
    def cpu_s(self) -> float:
        """CPU seconds of what was written so far for the thread that asks. What others have asked for meanwhile is not in it."""
        found: float = getattr(self._callers, "cpu_s", 0.0)
        return found

    def _write_block(self, write: Callable[[int], None], block: Collection[int]) -> tuple[Damaged, float]:
        began = time.thread_time()
        damaged = write_places(write, block, skips=self.skips)
        return damaged, time.thread_time() - began


def write_places(write: Callable[[int], None], places: Iterable[int], *, skips: bool) -> Damaged:
    """Writes some places of a batch in this thread.

    Args:
        write: A function of a place.
        places: Places in the batch.
        skips: Whether damaged examples are returned. If not, they are errors.

    Raises:
        DamagedExampleError: If an example is damaged and damaged ones are not skipped.
    """
    damaged: Damaged = {}
    for place in places:
        try:
            write(place)
        except DamagedExampleError as error:
            if not skips:
                raise
            damaged[place] = error
    return damaged
