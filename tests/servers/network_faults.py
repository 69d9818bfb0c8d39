"""What goes wrong between a client and a store, and when: by rules or by a seed, so that a test can be repeated.

| fault | what the client sees | was it done? |
|---|---|---|
| `reset`, `closed` | the connection ends without an answer, by RST or by FIN | no |
| `lost` | the same, but the answer is lost, not the request | yes |
| `429`, `500`, `503`, `403` | this status | no |
| `slow` | the first byte comes late | yes |
| `stalled` | half of the answer, then nothing more, and the connection stays open | yes |
| `truncated` | half of the body that was promised, then the end of the connection | yes |
| `shortened` | a `Content-Length` of half the body, and that half: no error of HTTP | yes |
| `lengthened` | a `Content-Length` that is larger by seven, and seven bytes more: no error of HTTP | yes |
"""

import dataclasses
import fnmatch
import itertools
import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple, get_args

Fault = Literal[
    "reset",
    "closed",
    "lost",
    "429",
    "500",
    "503",
    "403",
    "slow",
    "stalled",
    "truncated",
    "shortened",
    "lengthened",
]
FAULTS: tuple[Fault, ...] = get_args(Fault)


class Asked(NamedTuple):
    """A request, as a schedule and a log see it.

    Attributes:
        method: `GET`, `PUT`, …
        path: Bucket and key, with `%`.
        query: What comes after `?`.
        range: The range of bytes, `0-99`; empty for all.
    """

    method: str
    path: str
    query: str
    range: str


# Names of buckets and uploads, which are others in each run (`stores.StoreServer`).
NUMBERS = re.compile(r"bucket(-|%2D)[0-9]+(-|%2D)[0-9]+(-|%2D)[0-9]+|(?<=uploadId=)[^&']*")

Schedule = Callable[[Asked], Fault | None]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rule:
    """A fault of some requests.

    Attributes:
        fault: What goes wrong.
        method: Requests of this method; `*` for all.
        path: Requests whose path matches this pattern, as a shell would match it.
        query: Requests whose query matches this pattern.
        skip: How many of those pass before the first fault.
        times: How many then get it; None for all.
    """

    fault: Fault
    method: str = "*"
    path: str = "*"
    query: str = "*"
    skip: int = 0
    times: int | None = 1

    def matches(self, asked: Asked) -> bool:
        pairs = (asked.method, self.method), (asked.path, self.path), (asked.query, self.query)
        return all(fnmatch.fnmatchcase(text, pattern) for text, pattern in pairs)


class Rules:
    """Faults by rules; the first rule that matches and is neither waiting nor used up decides."""

    def __init__(self, *rules: Rule) -> None:
        self._rules = [(rule, itertools.count()) for rule in rules]
        self._lock = threading.Lock()

    def __call__(self, asked: Asked) -> Fault | None:
        with self._lock:
            for rule, counter in self._rules:
                if rule.matches(asked):
                    number = next(counter) - rule.skip
                    if number >= 0 and (rule.times is None or number < rule.times):
                        return rule.fault
        return None


class Outage:
    """From some request on, nothing works any more."""

    def __init__(self, fault: Fault, *, skip: int) -> None:
        self._fault: Fault = fault
        self._skip = skip
        self._counter = itertools.count()

    def __call__(self, asked: Asked) -> Fault | None:
        return self._fault if next(self._counter) >= self._skip else None


class Seeded:
    """Faults at random requests. Threads do not matter: what counts is the request and how often it came before."""

    def __init__(self, seed: int, rate: float, faults: Iterable[Fault], *, at_most: int = 2) -> None:
        """Makes a schedule.

        Args:
            seed: The same seed gives the same faults.
            rate: Which part of the requests fails, 0 to 1.
            faults: What can go wrong.
            at_most: How often the same request fails, at most; so clients that try again get through.
        """
        self._seed, self._rate, self._faults, self._at_most = seed, rate, tuple(faults), at_most
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, asked: Asked) -> Fault | None:
        request = NUMBERS.sub("", str(asked))
        with self._lock:
            self._counts[request] += 1
            count = self._counts[request]
        draws = random.Random(f"{self._seed} {request} {count}")
        if count > self._at_most or draws.random() >= self._rate:
            return None
        return draws.choice(self._faults)
