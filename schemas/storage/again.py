"""Tries again what a store broke off.

The client tries again itself where it may: not after a reset in a put on a condition, a copy or a deletion, and not after
an answer that ends in the middle of a listing. All that is done here may be done twice.
"""

import random
import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")

ATTEMPTS = 5
FIRST_PAUSE_S = 0.1


class BrokenOffError(TimeoutError):
    """The store has broken off an answer, and the client has not tried again."""


def again(act: Callable[[], Result], *, also: tuple[type[OSError], ...] = ()) -> Result:
    """Does something until the store does not break off, five times at most, with growing pauses.

    Args:
        act: It may be done twice.
        also: Other errors after which it is tried again.

    Raises:
        OSError: The last error, or the first that is of another kind.
    """
    passing: tuple[type[OSError], ...] = (BrokenOffError, *also)
    for attempt in range(1, ATTEMPTS):
        try:
            return act()
        except passing:
            wait(attempt)
    try:
        return act()
    except BrokenOffError as error:
        error.strerror = f"{error.strerror}, {ATTEMPTS} times"
        raise


def wait(attempt: int) -> None:
    """Waits before the next attempt, longer each time."""
    pause = FIRST_PAUSE_S * 2**attempt
    time.sleep(random.uniform(pause / 2, pause))  # so that many do not try at the same moment
