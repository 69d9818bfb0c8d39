"""How long the steps of writing a shard take."""

import time
from typing import Literal

Step = Literal["read", "decode", "write"]
"""Waiting for the bytes of a file; decoding them; all else: resizing, encoding, hashing and writing."""


class StepTimes:
    """Adds up laps: each is the time since the one before it, so no moment counts twice."""

    def __init__(self) -> None:
        """Begins the first lap."""
        self._spent_ns: dict[Step, int] = {"read": 0, "decode": 0, "write": 0}
        self._last_ns = time.perf_counter_ns()

    def lap(self, step: Step) -> None:
        """Ends a lap, which was spent on this step."""
        now = time.perf_counter_ns()
        self._spent_ns[step] += now - self._last_ns
        self._last_ns = now

    def milliseconds(self) -> dict[str, int]:
        """Milliseconds so far, by step."""
        return {step: spent // 1_000_000 for step, spent in self._spent_ns.items()}
