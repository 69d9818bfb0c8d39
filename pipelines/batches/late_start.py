"""Decides when worker processes are worth their start."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from fitfeed.schemas.cpus import available_cpus

THREADS_KEEP_UP = 4
"""CPUs that threads can keep busy. With more, others are idle while workers start."""

BREAK_EVEN_S = 9.0
"""Seconds of work after which workers start on few CPUs. They take 0.9 s of all CPUs to start, and are then a fifth
faster. So whatever is done after nine seconds takes a tenth longer than it could, at most, with workers or without."""

SPARE_S = 0.5
"""The same where CPUs are idle: enough to tell a look at one batch from an epoch."""


class LateStart:
    """Measures how long threads have been at work on batches. Thread-safe."""

    def __init__(self, cpus: int | None = None) -> None:
        """Starts at zero.

        Args:
            cpus: CPUs that this process may use. None: as they are.
        """
        few = (cpus or available_cpus()) <= THREADS_KEEP_UP
        self._after_s = BREAK_EVEN_S if few else SPARE_S
        self._lock = threading.Lock()
        self._active = 0
        self._since = self._busy_s = 0.0

    @property
    def is_due(self) -> bool:
        """Whether workers should be started."""
        return self._busy_s >= self._after_s

    @contextmanager
    def working(self) -> Iterator[None]:
        """Counts the time in which at least one thread is in this context: waiting for the model is none."""
        with self._lock:
            if not self._active:
                self._since = time.monotonic()
            self._active += 1
        try:
            yield
        finally:
            with self._lock:
                now = time.monotonic()
                self._active -= 1
                self._busy_s += now - self._since
                self._since = now
