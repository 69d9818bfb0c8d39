"""Peak memory and CPU time of the processes of a conversion, as Linux counts them."""

import dataclasses
import os
import threading
from pathlib import Path

INTERVAL_S = 0.02
"""What a process does between the last look at it and its end is not seen: at most this long."""


@dataclasses.dataclass(frozen=True)
class Usage:
    """What a process has used.

    Attributes:
        cpu_s: CPU time of all its threads, in user mode and in the kernel.
        peak_bytes: The most memory that was resident at one time (VmHWM).
    """

    cpu_s: float
    peak_bytes: int


def children_of(pid: int) -> list[int]:
    """Process ids of the children of a process; none if it is gone."""
    try:
        words = [task.read_text() for task in Path("/proc", str(pid), "task").glob("*/children")]
    except OSError:
        return []
    return [int(child) for child in " ".join(words).split()]


def usage_of(pid: int) -> Usage | None:
    """What a process has used so far; None if it has ended."""
    folder = Path("/proc", str(pid))
    try:
        status, numbers = (folder / "status").read_text(), (folder / "stat").read_text()
    except OSError:
        return None
    peaks = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")]  # in KiB
    user, system = numbers.rsplit(")", 1)[1].split()[
        11:13
    ]  # proc(5): fields 14 and 15; the name is the second
    ticks = (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return Usage(ticks, peaks[0] * 1024) if peaks else None  # a process that has ended has no memory


def resident_mib(field: str, pid: int) -> float:
    """`VmRSS`, now, or `VmHWM`, at most so far, of a process that runs."""
    status = Path("/proc", str(pid), "status").read_text()
    (kibibytes,) = (int(line.split()[1]) for line in status.splitlines() if line.startswith(f"{field}:"))
    return kibibytes / 1024


def anonymous_bytes(pid: int) -> int:
    """Resident memory of a process that no file stands behind, nor memory that it shares; 0 if it is gone."""
    return _rollup(pid, "Anonymous")


def private_bytes(pid: int) -> int:
    """Resident memory of a process that no other process shares; 0 if it is gone."""
    return _rollup(pid, "Private_Clean") + _rollup(pid, "Private_Dirty")


def proportional_bytes(pid: int) -> int:
    """Proportional set size of a process; 0 if it is gone."""
    return _rollup(pid, "Pss")


def tree_of(pid: int) -> list[int]:
    """Process ids of a process and all its descendants."""
    return [pid, *(other for child in children_of(pid) for other in tree_of(child))]


def tree_cpu_s(pid: int) -> float:
    """CPU seconds that a process and all its descendants have used so far, without those that have ended."""
    return sum(usage.cpu_s for usage in map(usage_of, tree_of(pid)) if usage is not None)


def _rollup(pid: int, name: str) -> int:
    try:
        lines = Path("/proc", str(pid), "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


class Watch:
    """Looks at the workers of a conversion, its children, for as long as it runs, or at all of its processes."""

    def __init__(self, pid: int, *, all_processes: bool = False) -> None:
        """Starts looking.

        Args:
            pid: The process that converts.
            all_processes: Look at it and all its descendants, not only at the workers.
        """
        self._pid = pid
        self._processes = tree_of if all_processes else children_of
        self._seen: dict[int, Usage] = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look_again_and_again, daemon=True)
        self._thread.start()

    def finish(self) -> list[Usage]:
        """Stops looking; returns what each process had used when it was last seen."""
        self._done.set()
        self._thread.join()
        return list(self._seen.values())

    def _look_again_and_again(self) -> None:
        while not self._done.wait(INTERVAL_S):
            for pid in self._processes(self._pid):
                usage = usage_of(pid)
                if usage is not None:
                    self._seen[pid] = usage


class TreeWatch:
    """Looks at a process and all its descendants for as long as they run: their memory together."""

    def __init__(self, pid: int) -> None:
        """Starts looking.

        Args:
            pid: The process.
        """
        self._pid = pid
        self._peak = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look_again_and_again, daemon=True)
        self._thread.start()

    def finish(self) -> int:
        """Stops looking; returns the most bytes that were resident at one time, shared ones once."""
        self._done.set()
        self._thread.join()
        return self._peak

    def _look_again_and_again(self) -> None:
        while not self._done.wait(TREE_INTERVAL_S):
            self._peak = max(self._peak, sum(map(proportional_bytes, tree_of(self._pid))))


TREE_INTERVAL_S = 0.1
"""The kernel walks all pages of a process to tell its proportional share: more often would disturb it."""
