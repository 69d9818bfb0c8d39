"""Runs a check over many inputs in a process that may crash, hang or eat memory, and says which did."""

import ctypes
import dataclasses
import multiprocessing
import resource
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

MEMORY_BYTES = 1 << 30  # 1 GiB beyond what the process has at its start
LIMIT_S = 60.0  # of wall time, for one input; the machine may be busy
START_S = 120.0  # of wall time, until the first input
SLOW_S = 3.0  # of CPU time

Check = Callable[[int], None]
"""Makes input `number` and checks it; raises what it finds."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """An input that did what no input may do."""

    number: int
    what: str


def run(make_check: Callable[..., Check], arguments: tuple[Any, ...], numbers: range) -> list[Finding]:
    """Checks every number.

    Args:
        make_check: Importable by name; called in the process with `arguments`, returns the check.
        arguments: For it.
        numbers: Which inputs.

    Returns:
        What failed, crashed, or took too long or too much memory.
    """
    context = multiprocessing.get_context("forkserver")
    findings: list[Finding] = []
    while numbers:
        at = context.RawArray(ctypes.c_longlong, [-1, 0])
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(
            target=_child, args=(theirs, at, make_check, arguments, numbers), daemon=True
        )
        process.start()
        theirs.close()
        ended = _watch(process, ours, at, findings)
        process.kill()
        process.join()
        if at[0] < 0:
            msg = f"the process did not reach its first input: {ended or process.exitcode}"
            raise RuntimeError(msg)
        if at[1]:  # it finished
            break
        findings.append(Finding(at[0], ended or f"the process died with exit code {process.exitcode}"))
        numbers = range(at[0] + 1, numbers.stop)
    return findings


def _watch(process: Any, connection: "Connection[Any, Any]", at: Any, findings: list[Finding]) -> str | None:
    """Collects findings until the process ends, or hangs."""
    last, since = -1, time.monotonic()
    while True:
        try:
            if connection.poll(0.2):
                findings.append(connection.recv())
        except (EOFError, OSError):
            process.join(10)
            return None
        if at[0] != last:
            last, since = at[0], time.monotonic()
        elif time.monotonic() - since > (LIMIT_S if last >= 0 else START_S):
            return f"no answer after {LIMIT_S:g} s"


def _child(
    connection: "Connection[Any, Any]",
    at: Any,
    make_check: Callable[..., Check],
    arguments: tuple[Any, ...],
    numbers: range,
) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    check = make_check(*arguments)
    limit = _data_bytes() + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_DATA, (limit, resource.RLIM_INFINITY))
    for number in numbers:
        at[0] = number
        started = time.process_time()
        try:
            check(number)
        except Exception:  # noqa: BLE001 - this is what we look for
            connection.send(Finding(number, traceback.format_exc()))
        took = time.process_time() - started
        if took > SLOW_S:
            connection.send(Finding(number, f"took {took:.1f} s of CPU time"))
    at[1] = 1


def _data_bytes() -> int:
    """What RLIMIT_DATA counts, of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) << 10
    return 0
