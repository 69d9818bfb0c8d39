"""What SIGINT and SIGTERM do while a job runs."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stop_on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Makes the first SIGINT or SIGTERM call a function, which may raise. A second one acts as usual.

    Signals can only be handled in the main thread; in any other, the caller's handlers stay.

    Args:
        stop: What is called, between any two steps of the block.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def handle(number: int, frame: FrameType | None) -> None:
        for each, handler in before.items():
            signal.signal(each, handler)
        stop()

    for number in before:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def interrupt() -> None:
    """Raises what Ctrl-C raises."""
    raise KeyboardInterrupt
