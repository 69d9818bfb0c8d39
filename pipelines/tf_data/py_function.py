"""Calls from TensorFlow's threads into Python, and how they stop when the interpreter exits.

An iterator that is still alive at exit is destroyed while Python shuts down. TensorFlow then waits
for its calls in flight, and they wait for an interpreter lock that they will never get: the process
would hang (`it = iter(train.repeat()); next(it)` at the end of a script is enough). So, before
Python shuts down, calls are refused and those in flight are waited for.
"""

import atexit
import functools
import inspect
import threading
import time
import weakref
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

QUIET_S = 0.05
"""No call for so long means that TensorFlow's bounded buffers are full, and no more will come."""

MAX_WAIT_S = 30.0
"""Longest wait, should a user's function never return."""


class _RunningCalls:
    """Counts calls in flight."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._active = 0
        self._last = 0.0
        self._closed = False

    def enter(self) -> None:
        with self._lock:
            self._last = time.monotonic()
            if self._closed:
                msg = "the interpreter is exiting"
                raise RuntimeError(msg)
            self._active += 1

    def leave(self) -> None:
        with self._lock:
            self._active -= 1
            self._last = time.monotonic()

    def close(self) -> None:
        """Refuses new calls, and returns once there are no others."""
        self._closed = True
        deadline = time.monotonic() + MAX_WAIT_S
        while time.monotonic() < deadline:
            time.sleep(QUIET_S / 5)  # lets go of the interpreter lock, so that calls can end
            with self._lock:
                if not self._active and time.monotonic() - self._last > QUIET_S:
                    return


@functools.cache
def _calls() -> _RunningCalls:
    calls = _RunningCalls()
    atexit.register(calls.close)
    return calls


def weakly_bound(function: Callable[P, R]) -> Callable[P, R]:
    """The same function, which does not keep alive what it needs.

    TensorFlow keeps what `py_function` is given until the process ends: threads, memory and processes
    of every pipeline that was ever made. A dataset, its iterators and all that is derived from it hold
    the functions that they were traced from, so those that hold what is called here are enough.
    """
    reference = weakref.WeakMethod(function) if inspect.ismethod(function) else weakref.ref(function)

    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        held = reference()
        if held is None:
            msg = "the pipeline is gone. Keep the dataset that make_pipeline returned as long as batches are taken from it."
            raise RuntimeError(msg)
        result: R = held(*args, **kwargs)
        return result

    return call


def refuse_at_exit(function: Callable[P, R]) -> Callable[P, R]:
    """Makes a function that TensorFlow may call from its threads until the interpreter exits."""
    calls = _calls()

    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        calls.enter()
        try:
            return function(*args, **kwargs)
        finally:
            calls.leave()

    return call
