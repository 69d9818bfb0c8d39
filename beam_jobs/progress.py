"""Reports of how far a run is, made by a thread of their own."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from fitfeed.converters.planning.comparison import PlanReport

Counts = tuple[int, int, int]
"""Images done, rejects among them, and source bytes."""

Report = Callable[[int, int, int], None]
"""A function that receives `Counts` at an interval, from another thread."""


@contextmanager
def report_progress(
    count: Callable[[], tuple[int, ...]], report: Callable[..., None], *, interval_s: float
) -> Iterator[None]:
    """Reports the counts at an interval, and once more when the block ends without an error.

    Args:
        count: Returns the present counts; must be safe to call from another thread.
        report: Receives them, each as an argument.
        interval_s: Seconds between reports.
    """
    done = threading.Event()

    def loop() -> None:
        while not done.wait(interval_s):
            report(*count())

    thread = threading.Thread(target=loop, daemon=True)
    try:
        thread.start()  # a signal may end the block here, too
        yield
    finally:
        done.set()
        if thread.is_alive():
            thread.join()
    report(*count())


class ProgressReport(Protocol):
    """Receives how far a conversion is."""

    def notify(self, line: str) -> None:
        """Something that the user should know before the work begins."""

    def comparing(self) -> PlanReport | None:
        """What receives how many files were listed and compared with a dataset, before the work begins."""

    def start(self, *, images: int, shards: int) -> None:
        """Planning is done: so many images and shards are to be converted."""

    def update(self, images: int, rejects: int, source_bytes: int) -> None:
        """So many images, rejects and bytes are done. Called from another thread."""

    def update_shards(self, shards: int, images: int, rejects: int, source_bytes: int) -> None:
        """So many shards are finished, those of earlier runs too, by a job on an engine. Called from another thread.

        Images, rejects and bytes are those of this job; 0 if the engine does not tell them while it runs.
        """


class NoProgress:
    """Ignores all reports."""

    def notify(self, line: str) -> None:
        """Does nothing."""

    def comparing(self) -> None:
        """Does nothing."""

    def start(self, *, images: int, shards: int) -> None:
        """Does nothing."""

    def update(self, images: int, rejects: int, source_bytes: int) -> None:
        """Does nothing."""

    def update_shards(self, shards: int, images: int, rejects: int, source_bytes: int) -> None:
        """Does nothing."""
