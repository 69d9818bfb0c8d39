"""Calls in a process that may crash, hang or eat memory: the caller lives, and says what happened."""

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.processes import guarded_calls
from fitfeed.schemas.processes.guarded_calls import GuardedCallError, GuardedCalls

MEMORY = 256 << 20


def echo(value: Any) -> Any:
    return [value, os.getpid(), os.environ["HDF5_PLUGIN_PRELOAD"]]


def crash(number: int) -> None:
    os.kill(os.getpid(), number)


def leave() -> None:
    os._exit(7)


def hang() -> None:
    time.sleep(600)


def eat(size: int) -> int:
    return len(bytearray(size))


def damaged() -> None:
    raise DamagedDatasetError("x is cut off:", "  at byte 3")


def bug() -> None:
    raise KeyError("nothing")


def lie() -> None:
    os.write(max(int(fd) for fd in os.listdir("/proc/self/fd") if is_socket(fd)), b"\0\0\0\3\x80\4.")  # noqa: PTH208
    time.sleep(600)


def is_socket(descriptor: str) -> bool:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}").startswith("socket")  # noqa: PTH115
    except FileNotFoundError:  # the listing's own
        return False


def flood() -> str:
    return "x" * 2000


@pytest.fixture(scope="module")
def calls() -> Iterator[GuardedCalls]:
    with GuardedCalls(memory_bytes=MEMORY) as one:
        yield one


def called(calls: GuardedCalls, function: Any, *arguments: Any, timeout_s: float = 600.0) -> Any:
    calls.begin(function, *arguments)
    return calls.result(timeout_s)


def test_one_process_serves_many_calls(calls: GuardedCalls) -> None:
    value = {"a": [1, None, 2.5, "ü\udcff"]}
    first, second = called(calls, echo, value), called(calls, echo, value)
    assert first == second == [value, first[1], "::"]
    assert first[1] != os.getpid()


@pytest.mark.parametrize(
    ("function", "arguments", "why"),
    [
        (crash, [signal.SIGSEGV], "it was killed by SIGSEGV"),
        (crash, [signal.SIGABRT], "it was killed by SIGABRT"),
        (leave, [], "it ended with exit status 7"),
        (eat, [1 << 30], "it needs more than 256 MiB of memory"),
        (lie, [], "it answered what is not JSON"),
    ],
)
def test_a_call_that_does_not_come_back(
    calls: GuardedCalls, function: Any, arguments: list[Any], why: str
) -> None:
    with pytest.raises(GuardedCallError, match=why):
        called(calls, function, *arguments)
    assert called(calls, echo, 1)[0] == 1  # in another process, if need be


def test_a_call_that_hangs_is_killed(calls: GuardedCalls) -> None:
    _, pid, _ = called(calls, echo, 1)
    with pytest.raises(GuardedCallError, match="it takes longer than 1 s"):
        called(calls, hang, timeout_s=1.0)
    assert not psutil.pid_exists(pid)


def test_an_answer_without_end_is_not_read(calls: GuardedCalls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded_calls, "MAX_ANSWER_BYTES", 1000)
    with pytest.raises(GuardedCallError):
        called(calls, flood)


def test_errors_come_back(calls: GuardedCalls) -> None:
    with pytest.raises(DamagedDatasetError) as ours:
        called(calls, damaged)
    assert ours.value.args == ("x is cut off:", "  at byte 3")
    with pytest.raises(RuntimeError, match=r"(?s)in bug.*KeyError: 'nothing'"):
        called(calls, bug)


def test_nothing_is_left_after_closing() -> None:
    with GuardedCalls(memory_bytes=MEMORY) as calls:
        _, pid, _ = called(calls, echo, 1)
    assert not psutil.pid_exists(pid)
    calls.close()


def speak() -> None:
    os.write(1, b"spoken")
    os.write(2, b"spoken")


def test_it_writes_nothing_to_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    with GuardedCalls(memory_bytes=MEMORY) as calls:
        called(calls, speak)
    assert capfd.readouterr() == ("", "")
