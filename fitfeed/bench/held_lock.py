"""Measures how much of its time a function of the user holds the interpreter lock."""

import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from fitfeed.pipelines.augment.base import Augmentation
from fitfeed.schemas.payload import Pixels

OWN_LOCK_S = 63e-6
"""What our own stages hold the lock for an image, on the machine of docs/performance.md."""

CALLS = 24

SHORT_S = 2e-4
"""A thread that waits for the lock takes a tenth of a millisecond to wake up. Shorter calls are taken to hold it."""


def lock_s(augment: Sequence[Any], images: Sequence[Pixels]) -> float:
    """Seconds for an image that hold the interpreter lock, where threads make the batches.

    Args:
        augment: Augmentations. Only functions of the user, which may be anything, are called.
        images: Some images.
    """
    functions = [each for each in augment if not isinstance(each, Augmentation)]
    return OWN_LOCK_S + sum(_held_s(function, images) for function in functions)


def _held_s(function: Callable[[Pixels], object], images: Sequence[Pixels]) -> float:
    """Seconds of a call in which no other thread can run Python."""
    stop = threading.Event()

    def run_and_yield() -> None:
        while not stop.is_set():
            time.sleep(0)  # gives the lock to whoever waits for it

    other = threading.Thread(target=run_and_yield, daemon=True)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(60.0)  # nobody takes the lock from a function that does not give it
    other.start()
    try:
        clock = time.pthread_getcpuclockid(other.ident or 0)
        calls = []
        for number in range(CALLS):
            image = images[number % len(images)].copy()
            began, others = time.thread_time(), time.clock_gettime(clock)
            function(image)
            spent = time.thread_time() - began
            calls.append((spent, min(spent, time.clock_gettime(clock) - others)))
    finally:
        stop.set()
        sys.setswitchinterval(interval)
        other.join()
    spent = min(spent for spent, _ in calls)
    if spent < SHORT_S:
        return spent
    # The other thread may have had no CPU. So what it got in the best calls is what it was let have.
    free = sorted(other / spent for spent, other in calls)[-3]
    return spent * (1 - free)
