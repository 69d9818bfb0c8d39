"""The same work in several processes at once."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier

import cv2

from benchmarks.measure import Epoch

_own: list[tuple[Epoch, Barrier]] = []
"""Of this process: what it does, and what it waits at before."""


def everywhere(make: Callable[[], Epoch], count: int) -> Epoch:
    """A function that lets each of some processes do an epoch, and returns how much they did together.

    Args:
        make: Makes the epoch, in each process; picklable. The processes start with the first epoch.
        count: How many processes.
    """
    context = get_context("spawn")
    together = context.Barrier(count)  # else one process may take two of the tasks
    pool = ProcessPoolExecutor(count, context, initializer=_prepare, initargs=(make, together))
    return lambda: sum(future.result() for future in [pool.submit(_work) for _ in range(count)])


def _prepare(make: Callable[[], Epoch], together: Barrier) -> None:
    cv2.setNumThreads(1)
    _own.append((make(), together))


def _work() -> int:
    epoch, together = _own[0]
    together.wait()
    return epoch()
