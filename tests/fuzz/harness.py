"""Runs a check over many inputs in a process that may crash, hang or eat memory, and says which did."""

import ctypes
import dataclasses
import math
import multiprocessing
import os
import resource
import signal
import tempfile
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

MEMORY_BYTES = 1 << 30  # 1 GiB beyond what the process has at its start
LIMIT_S = 60.0  # of wall time, for one input; the machine may be busy
START_S = 120.0  # of wall time, until the first input
SLOW_S = 3.0  # of CPU time

Check = Callable[[int], None]
"""Makes input `number` and checks it; raises what it finds."""

Kind = Literal["signal", "hang", "exception", "slow"]


@dataclasses.dataclass(frozen=True)
class FuzzFinding:
    """An input that did what no input may do."""

    number: int
    kind: Kind
    what: str


@dataclasses.dataclass
class FuzzRun:
    """A run over many inputs.

    Attributes:
        inputs: How many were checked.
        seconds: How long it took, with the start of processes.
        peak_bytes: The most memory that the process had, or one of its children.
        findings: What was found.
    """

    inputs: int = 0
    seconds: float = 0.0
    peak_bytes: int = 0
    findings: list[FuzzFinding] = dataclasses.field(default_factory=list)

    def count(self, kind: Kind) -> int:
        """How many findings are of a kind."""
        return sum(finding.kind == kind for finding in self.findings)


class _Progress(ctypes.Structure):
    """What a process writes for its parent, who may have to kill it."""

    _fields_ = (("number", ctypes.c_longlong), ("done", ctypes.c_longlong), ("peak_bytes", ctypes.c_longlong))


def run(
    make_check: Callable[..., Check],
    arguments: tuple[Any, ...],
    numbers: range,
    *,
    seconds: float = math.inf,
) -> FuzzRun:
    """Checks every number, as long as there is time.

    Args:
        make_check: Importable by name; called in the process with an empty folder and `arguments`, returns the check.
        arguments: For it.
        numbers: Which inputs.
        seconds: After this time no further input is begun.

    Returns:
        What failed, crashed, or took too long or too much memory.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.fuzz.target_table"])  # imported once, not for each process
    started, first = time.monotonic(), numbers.start
    deadline = started + seconds
    result = FuzzRun()
    while numbers:
        at = context.RawValue(_Progress, -1, 0, 0)
        ours, theirs = context.Pipe(duplex=False)
        with tempfile.TemporaryDirectory(prefix="fitfeed-fuzz-") as folder:
            given = (theirs, at, make_check, (Path(folder), *arguments), numbers, deadline)
            process = context.Process(target=_child, args=given)
            process.start()
            theirs.close()
            try:
                hung = _watch(process, ours, at, result.findings)
            finally:
                process.kill()
                process.join()
        if at.number < 0:
            msg = f"the process did not reach its first input: {hung or process.exitcode}"
            raise RuntimeError(msg)
        result.peak_bytes = max(result.peak_bytes, at.peak_bytes)
        result.inputs, result.seconds = at.number - first + 1, time.monotonic() - started
        if at.done:
            break
        result.findings.append(_death(at.number, hung, process.exitcode))
        numbers = range(at.number + 1, numbers.stop) if time.monotonic() < deadline else range(0)
    return result


def _death(number: int, hung: str | None, code: int | None) -> FuzzFinding:
    if hung is not None:
        return FuzzFinding(number, "hang", hung)
    name = signal.Signals(-code).name if code is not None and code < 0 else "no signal"
    return FuzzFinding(number, "signal", f"the process died with exit code {code} ({name})")


def _watch(
    process: Any, connection: "Connection[Any, Any]", at: Any, findings: list[FuzzFinding]
) -> str | None:
    """Collects findings until the process ends, or hangs."""
    last, since = -1, time.monotonic()
    while True:
        try:
            if connection.poll(0.2):
                findings.append(connection.recv())
        except (EOFError, OSError):
            process.join(10)
            return None
        if at.number != last:
            last, since = at.number, time.monotonic()
        elif time.monotonic() - since > (LIMIT_S if last >= 0 else START_S):
            return f"no answer after {LIMIT_S:g} s"


def _child(
    connection: "Connection[Any, Any]",
    at: Any,
    make_check: Callable[..., Check],
    arguments: tuple[Any, ...],
    numbers: range,
    deadline: float,
) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libtiff, libpng and OpenCV say there what is damaged
    check = make_check(*arguments)
    limit = _data_bytes() + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_DATA, (limit, resource.RLIM_INFINITY))
    for number in numbers:
        at.number = number
        started = time.process_time()
        try:
            check(number)
        except Exception:  # noqa: BLE001 - this is what we look for
            connection.send(FuzzFinding(number, "exception", traceback.format_exc()))
        took = time.process_time() - started
        if took > SLOW_S:
            connection.send(FuzzFinding(number, "slow", f"took {took:.1f} s of CPU time"))
        at.peak_bytes = _peak_bytes()
        if time.monotonic() > deadline:
            break
    at.done = 1


def _peak_bytes() -> int:
    """The most that this process had, or one of its children."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10
    running = Path("/proc/thread-self/children").read_text().split()
    return max(ended, *(_status_bytes(process, "VmHWM") for process in ("self", *running)))


def _data_bytes() -> int:
    """What RLIMIT_DATA counts, of this process."""
    return _status_bytes("self", "VmData")


def _status_bytes(process: str, name: str) -> int:
    """A line of the status of a process in bytes; 0 if it has ended."""
    try:
        lines = Path("/proc", process, "status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    found = [line for line in lines if line.startswith(f"{name}:")]
    return int(found[0].split()[1]) << 10 if found else 0
