"""Functions that TensorFlow's threads call: not kept alive by it, and refused when the interpreter exits."""

import functools
import gc
import threading
import time
import weakref
from collections.abc import Callable

import pytest

from fitfeed.pipelines.tf_data import py_function
from fitfeed.pipelines.tf_data.py_function import MAX_WAIT_S, QUIET_S, refuse_at_exit, weakly_bound
from fitfeed.schemas.errors import FeedError


class Maker:
    """Something with a method to call."""

    def add(self, one: int, other: int = 1) -> int:
        return one + other

    def fail(self) -> None:
        msg = "no such batch"
        raise LookupError(msg)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> py_function._RunningCalls:
    """Calls that a test may close: the process goes on with its own."""
    running = py_function._RunningCalls()
    monkeypatch.setattr(py_function, "_calls", lambda: running)
    return running


# ---------------------------------------------------------------- weakly bound


@pytest.mark.parametrize("wrap", [weakly_bound, functools.partial(refuse_at_exit, refused=None)])
def test_a_call_is_the_functions(wrap: Callable[..., Callable[..., object]]) -> None:
    maker = Maker()
    assert wrap(maker.add)(3) == 4
    assert wrap(maker.add)(3, other=5) == 8
    with pytest.raises(LookupError, match="no such batch"):
        wrap(maker.fail)()


def test_it_does_not_keep_what_it_calls_alive() -> None:
    def function() -> int:
        return 7

    maker = Maker()
    bound, plain, gone = weakly_bound(maker.add), weakly_bound(function), weakref.ref(maker)
    assert (bound(3), plain()) == (4, 7)
    del maker, function
    gc.collect()
    assert gone() is None
    with pytest.raises(
        FeedError, match=r"the pipeline is gone\. Keep the dataset that make_pipeline returned"
    ):
        bound(3)
    with pytest.raises(FeedError, match=r"the pipeline is gone"):
        plain()


# ---------------------------------------------------------------- refused at exit


def test_new_calls_are_refused_after_closing(calls: py_function._RunningCalls) -> None:
    maker = Maker()
    guarded = refuse_at_exit(maker.add, refused=-1)
    assert guarded(3) == 4
    calls.close()
    assert guarded(3) == -1


def test_closing_waits_for_the_calls_that_run(calls: py_function._RunningCalls) -> None:
    running, may_end = threading.Event(), threading.Event()
    ended: list[str] = []

    def slow() -> None:
        running.set()
        may_end.wait(600)
        ended.append("call")

    def close() -> None:
        calls.close()
        ended.append("close")

    threads = [threading.Thread(target=target) for target in (refuse_at_exit(slow, refused=None), close)]
    threads[0].start()
    running.wait(600)
    threads[1].start()
    time.sleep(4 * QUIET_S)  # the longer it is, the surer a `close` that does not wait is seen
    early = list(ended)
    may_end.set()
    for thread in threads:
        thread.join(600)
    assert early == []
    assert ended == ["call", "close"]


def test_a_call_that_fails_has_ended(calls: py_function._RunningCalls) -> None:
    maker = Maker()
    with pytest.raises(LookupError):
        refuse_at_exit(maker.fail, refused=None)()
    start = time.monotonic()
    calls.close()
    assert time.monotonic() - start < MAX_WAIT_S / 2  # it waits no longer, and only for running calls so long


def test_closing_does_not_wait_forever(
    calls: py_function._RunningCalls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(py_function, "MAX_WAIT_S", 0.1)
    calls.enter()  # never leaves
    calls.close()
    assert not calls.enter()


def test_all_functions_of_a_process_are_closed_together() -> None:
    assert py_function._calls() is py_function._calls()
