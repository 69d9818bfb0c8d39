"""Waits for what another thread or process does, but not for ever: a test that waits in vain fails."""

import time
from collections.abc import Callable

MAX_SECONDS = 60.0
"""No machine is so busy that something a test waits for takes longer."""


def wait_until(is_so: Callable[[], object], seconds: float = MAX_SECONDS) -> None:
    """Waits until something is so.

    Args:
        is_so: Is called again and again; what it returns is read as a truth value.
        seconds: How long to wait at most.

    Raises:
        AssertionError: If it is not so by then.
    """
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"waited {seconds:g} s in vain"
        time.sleep(0.001)
