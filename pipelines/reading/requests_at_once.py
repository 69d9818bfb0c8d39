"""How many requests should be under way at once, by how long one takes and how many are used."""

import math
import time
from collections import deque
from collections.abc import Callable

MIN_AT_ONCE = 64
"""The number at first. With 40 ms each, these are 1,600 a second."""

MAX_AT_ONCE = 256
"""With 40 ms each, these are 6,400 a second, more than this process can ask for."""

HEADROOM = 2.0
"""Some requests take longer than others, and what was missing once has to be caught up."""

RECENT = 8
"""Batches that are looked at."""


class RequestsAtOnce:
    """Little's law: as many are under way as are used in the time that one takes. For one thread at a time.

    That time is the least of those measured lately. Others have waited, for a CPU or for the network: more requests
    would make them wait longer.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        """Has seen no batch yet.

        Args:
            clock: Gives seconds.
        """
        self._clock = clock
        self._used: deque[tuple[float, int, float]] = deque(maxlen=RECENT)

    def after(self, requests: int, least_s: float) -> int:
        """Says how many should be under way after one more batch.

        Args:
            requests: By how many it was read. 0: a cache had all of it.
            least_s: Seconds that the fastest of them took.
        """
        self._used.append((self._clock(), requests, least_s))
        began, ended = self._used[0][0], self._used[-1][0]
        asked = [least for _, count, least in self._used if count]
        if not asked or ended <= began:
            return MIN_AT_ONCE
        rate = sum(count for _, count, _ in list(self._used)[1:]) / (ended - began)
        return min(max(math.ceil(HEADROOM * rate * min(asked)), MIN_AT_ONCE), MAX_AT_ONCE)
