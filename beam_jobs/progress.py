"""Telling how far a run is, from a thread beside it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

Counts = tuple[int, int, int]
"""Images done, rejects among them, and source bytes."""

Report = Callable[[int, int, int], None]
"""Called with `Counts` now and then, from another thread."""


@contextmanager
def report_progress(count: Callable[[], Counts], report: Report, *, interval_s: float) -> Iterator[None]:
    """Reports the counts at an interval, and once more when the block ends without an error.

    Args:
        count: Tells the present counts; must be safe to call from another thread.
        report: Is told them.
        interval_s: Seconds between reports.
    """
    done = threading.Event()

    def loop() -> None:
        while not done.wait(interval_s):
            report(*count())

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    report(*count())


class ProgressReport(Protocol):
    """Who is told how far a conversion is."""

    def start(self, *, images: int, shards: int) -> None:
        """Planning is done; so much is to do."""

    def update(self, images: int, rejects: int, source_bytes: int) -> None:
        """So much is done; called from another thread."""


class NoProgress:
    """Tells nobody."""

    def start(self, *, images: int, shards: int) -> None:
        """Does nothing."""

    def update(self, images: int, rejects: int, source_bytes: int) -> None:
        """Does nothing."""
