"""Keeps what Beam and its threads write off the terminal. Nothing is lost: errors are also raised."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

READERS = ("wait_until_finish_read", "wait_until_finish_state_observer")
"""Threads of Beam that read what a job server says. When it has gone they fail, and so does who waits for the job."""


@contextmanager
def quiet_beam(level: int = logging.WARNING) -> Iterator[None]:
    """Keeps Beam's log quiet, during its import and later.

    Args:
        level: Messages of other libraries are discarded up to this level while the block runs.
    """
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
    before = logging.root.manager.disable
    logging.disable(max(level, before))
    try:
        yield
    finally:
        logging.disable(before)


@contextmanager
def quiet_readers() -> Iterator[None]:
    """Keeps the tracebacks of Beam's threads off the terminal that wait for messages of a job."""
    before = threading.excepthook

    def hook(failure: threading.ExceptHookArgs) -> None:
        if failure.thread is None or failure.thread.name not in READERS:
            before(failure)

    threading.excepthook = hook
    try:
        yield
    finally:
        threading.excepthook = before
