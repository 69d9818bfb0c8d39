"""Time that counts against a limit."""

import time


class RunningTime:
    """Time in which this process ran: not while the machine was suspended, or the command stopped by Ctrl-Z."""

    def __init__(self, interval_s: float) -> None:
        """Begins now.

        Args:
            interval_s: How often `passed` is asked. More than twice as much does not count.
        """
        self._most_s = 2 * interval_s
        self._before = time.monotonic()

    def passed(self) -> float:
        """Seconds since this was asked last."""
        before, self._before = self._before, time.monotonic()
        return min(self._before - before, self._most_s)
