"""Images that end or hang the process that decodes them: when is one to blame, and for what.

One death proves nothing: any process may be killed for reasons of its machine. An image at which
processes die again is quarantined: it is rejected from then on without being looked at.
"""

import dataclasses
import signal
from collections import defaultdict
from typing import Literal

CRASHES = 2
"""So many crashes or hangs at one image condemn it."""

KILLS = 3
"""So many deaths condemn it if somebody else killed the process (out of memory, most often)."""

ATTEMPTS = 3
"""So many deaths without a verdict, and the shard is given up: then the machine is to blame."""

OUTSIDE_SIGNALS = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
"""What no decoder does to itself."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class WorkerExit:
    """How a process ended before its shard did.

    Attributes:
        entry: Place in the shard's plan of the image it was decoding; None if it was not decoding.
        exit_code: As `multiprocessing` tells it: negative for a signal.
        limit_s: The time limit that the image exceeded, if that is why the process was killed.
    """

    entry: int | None
    exit_code: int | None
    limit_s: float | None = None

    @property
    def is_crash(self) -> bool:
        """Whether the process did it to itself, or hung."""
        return self.limit_s is not None or self.exit_code not in {-number for number in OUTSIDE_SIGNALS}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Quarantine:
    """Why an image is rejected without being decoded.

    Attributes:
        reason: Code for `rejects.jsonl`.
        detail: One sentence.
        limit_s: For `timeout`: the time limit that it was judged by.
    """

    reason: Literal["decoder_crash", "timeout"]
    detail: str
    limit_s: float | None = None


class CrashTracker:
    """The deaths of the processes that wrote one shard, until they prove something."""

    def __init__(self) -> None:
        """CrashTracker nobody."""
        self._deaths: defaultdict[int, list[WorkerExit]] = defaultdict(list)
        self._unexplained = 0

    @property
    def exhausted(self) -> bool:
        """Whether too many processes died without a verdict."""
        return self._unexplained >= ATTEMPTS

    def add(self, death: WorkerExit) -> Quarantine | None:
        """Takes in a death; returns the verdict on its image if that is now proven guilty."""
        self._unexplained += 1
        if death.entry is None:
            return None
        deaths = self._deaths[death.entry]
        deaths.append(death)
        if sum(each.is_crash for each in deaths) < CRASHES and len(deaths) < KILLS:
            return None
        self._unexplained = 0
        return _quarantine(deaths)


def _quarantine(deaths: list[WorkerExit]) -> Quarantine:
    last = next((death for death in reversed(deaths) if death.is_crash), deaths[-1])
    if last.limit_s is not None:
        detail = f"decoding it took longer than {last.limit_s:g} s (--timeout), {len(deaths)} times"
        return Quarantine(reason="timeout", detail=detail, limit_s=last.limit_s)
    detail = f"the process that decoded it died {len(deaths)} times, with {_exit(last.exit_code)}"
    if not last.is_crash:
        detail += "; that often means: out of memory, so fewer --workers may help"
    return Quarantine(reason="decoder_crash", detail=detail)


def _exit(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:  # a real-time signal
        return f"signal {-code}"
