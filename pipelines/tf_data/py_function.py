"""Lets TensorFlow's threads call Python, and stops these calls when the interpreter exits.

An iterator that is still alive at exit is destroyed while Python shuts down. TensorFlow then waits
for its running calls, and they wait for an interpreter lock that they never get: the process hangs.
(`it = iter(train.repeat()); next(it)` at the end of a script is enough.) So before Python shuts down,
new calls are refused, and we wait for the running ones.
"""

import atexit
import functools
import inspect
import threading
import time
import weakref
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from fitfeed.pipelines.order.owner_process import OwnerProcess
from fitfeed.schemas.errors import FeedError

P = ParamSpec("P")
R = TypeVar("R")

QUIET_S = 0.05
"""Seconds without a call after which TensorFlow's bounded buffers are full, and no call will come."""

MAX_WAIT_S = 30.0
"""Seconds to wait at most, in case a function of the user never returns."""


class _RunningCalls:
    """Counts the calls that are running."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._active = 0
        self._last = 0.0
        self._closed = False

    def enter(self) -> bool:
        """Returns whether a call may begin."""
        with self._lock:
            self._last = time.monotonic()
            self._active += not self._closed
            return not self._closed

    def leave(self) -> None:
        with self._lock:
            self._active -= 1
            self._last = time.monotonic()

    def close(self) -> None:
        """Refuses new calls, and returns when no call is running."""
        self._closed = True
        deadline = time.monotonic() + MAX_WAIT_S
        while time.monotonic() < deadline:
            time.sleep(QUIET_S / 5)  # releases the interpreter lock, so that calls can end
            with self._lock:
                if not self._active and time.monotonic() - self._last > QUIET_S:
                    return


@functools.cache
def _calls() -> _RunningCalls:
    calls = _RunningCalls()
    atexit.register(calls.close)
    return calls


def weakly_bound(function: Callable[P, R]) -> Callable[P, R]:
    """Makes a function that calls another one, but does not keep it alive.

    TensorFlow keeps the function of a `py_function` until the process ends, and with it threads, memory
    and processes of every pipeline that was ever made. A dataset, its iterators and everything derived
    from it hold the functions that they were traced from. These keep alive what is called here.
    """
    reference = weakref.WeakMethod(function) if inspect.ismethod(function) else weakref.ref(function)

    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        held = reference()
        if held is None:
            msg = "the pipeline is gone. Keep the dataset that make_pipeline returned as long as batches are taken from it."
            raise FeedError(msg)
        result: R = held(*args, **kwargs)
        return result

    return call


def refuse_at_exit(function: Callable[P, R], *, refused: R) -> Callable[P, R]:
    """Makes a function that TensorFlow may call from its threads until the interpreter exits.

    Args:
        function: What is called until then.
        refused: What is returned from then on. It is there already, as Python may be gone before anything is made.
    """
    calls, owner = _calls(), OwnerProcess()

    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        owner.check()  # before any lock, which a thread of the parent may have held when it forked
        if not calls.enter():
            return refused
        try:
            return function(*args, **kwargs)
        finally:
            calls.leave()

    return call
