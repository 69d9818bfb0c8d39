"""Keeps the process in which commands read foreign files: starting one takes longer than reading a small file."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any
from unittest import mock

from typing_extensions import override

from fitfeed.schemas.processes.guarded_calls import GuardedCalls

LIMIT_S = 20.0
"""Less than the two minutes that a user may wait, so that a hang there is no hang here."""

USERS = ("fitfeed.converters.inspect.detect", "fitfeed.converters.verify.dataset")


class KeptCalls(GuardedCalls):
    """Calls in a process that ends with this one, or by what a file does to it."""

    @override
    def result(self, timeout_s: float, progress: Callable[[int], None] | None = None) -> Any:
        return super().result(min(timeout_s, LIMIT_S), progress)

    @override
    def close(self) -> None:
        pass


@contextmanager
def one_process_for_all() -> Iterator[None]:
    """Lets commands share a process while the block runs."""
    with ExitStack() as stack:
        for module in USERS:
            stack.enter_context(mock.patch(f"{module}.GuardedCalls", _kept))
        yield


@cache
def _kept(**options: int) -> KeptCalls:
    return KeptCalls(**options)
