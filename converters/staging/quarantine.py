"""Decides when an image is quarantined, because the processes that decode it crash or hang.

One crash proves nothing: any process may be killed for reasons of its machine. An image at which processes crash again
is quarantined: from then on it is rejected without being decoded.
"""

import dataclasses
import signal
from collections import defaultdict
from typing import Literal

from fitfeed.schemas.processes.child_process import signal_name

CRASHES = 2
"""An image is quarantined after this number of crashes or hangs."""

KILLS = 3
"""The same if processes were killed from outside (most often because memory ran out)."""

ATTEMPTS = 3
"""A shard is given up after this number of exits for which no image is at fault: then the machine is."""

OUTSIDE_SIGNALS = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
"""Signals that a decoder does not send to itself."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class WorkerExit:
    """How a process ended before its shard was written.

    Attributes:
        entry: Place in the shard's plan of the image that it was decoding; None if it was not decoding.
        exit_code: Exit code as in `subprocess`: negative for a signal.
        limit_s: Time limit that the image exceeded, if the process was killed because of it.
    """

    entry: int | None
    exit_code: int | None
    limit_s: float | None = None

    @property
    def is_crash(self) -> bool:
        """Whether the process crashed by itself, or hung."""
        return self.limit_s is not None or self.exit_code not in {-number for number in OUTSIDE_SIGNALS}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Quarantine:
    """Why an image is rejected without being decoded.

    Attributes:
        reason: Code for `rejects.jsonl`.
        detail: One sentence.
        limit_s: For `timeout`: the time limit that it exceeded.
    """

    reason: Literal["decoder_crash", "timeout"]
    detail: str
    limit_s: float | None = None


class CrashTracker:
    """Counts the exits of the processes that write one shard, until an image is found to be at fault."""

    def __init__(self) -> None:
        """Begins without an exit."""
        self._exits: defaultdict[int, list[WorkerExit]] = defaultdict(list)
        self._unexplained = 0

    @property
    def exhausted(self) -> bool:
        """Whether too many processes ended without an image at fault."""
        return self._unexplained >= ATTEMPTS

    def add(self, last: WorkerExit) -> Quarantine | None:
        """Counts an exit. Returns why its image is quarantined, if it is at fault now."""
        self._unexplained += 1
        if last.entry is None:
            return None
        exits = self._exits[last.entry]
        exits.append(last)
        if sum(each.is_crash for each in exits) < CRASHES and len(exits) < KILLS:
            return None
        self._unexplained = 0
        return _quarantine(exits)


def _quarantine(exits: list[WorkerExit]) -> Quarantine:
    last = next((each for each in reversed(exits) if each.is_crash), exits[-1])
    if last.limit_s is not None:
        detail = f"decoding it took longer than {last.limit_s:g} s (--timeout), {len(exits)} times"
        return Quarantine(reason="timeout", detail=detail, limit_s=last.limit_s)
    detail = f"the process that decoded it ended {len(exits)} times, with {_exit(last.exit_code)}"
    if not last.is_crash:
        detail += "; that often means: out of memory, so fewer --workers may help"
    return Quarantine(reason="decoder_crash", detail=detail)


def _exit(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    return signal_name(-code)
