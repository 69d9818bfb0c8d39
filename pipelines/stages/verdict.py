"""What limits a pipeline, and what would help most. A pure function of what was measured."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from fitfeed.pipelines.stages.changes import Change
from fitfeed.pipelines.stages.feed_rates import Machinery, cpus_for, feed_rate, holds_lock_s, resource_rates
from fitfeed.pipelines.stages.stage_times import WORDS, Stage, StageTimes

Limit = Literal["disk", "decode", "augmentation", "interpreter", "memory", "workers", "consumer"]
"""disk: or the object store. interpreter: the lock that threads share, or the main process. memory: its bandwidth.
workers: fewer than the CPUs, or a single CPU that does all. consumer: the model, which input need not wait for."""

LIMIT_WORDS = {
    "disk": "the disk",
    "decode": "decoding",
    "augmentation": "augmentation",
    "interpreter": "the interpreter lock",
    "memory": "memory bandwidth",
    "workers": "the number of workers",
    "consumer": "the model",
}

MIN_GAIN = 1.05
"""A change that helps less is not worth a word."""

PROCESS_EFFICIENCY = 0.95
"""What worker processes reach of what their CPUs allow; threads wait for each other more."""

MAX_PROCESS_GAIN = 1.3
"""How much of that may come from waiting less: all that is missing beyond is other programs, which stay."""


@dataclass(frozen=True, kw_only=True)
class ExpectedChange:
    """A change and what it would bring.

    Attributes:
        change: What to change.
        rate: Images per second after it: what feeding makes or, with a consumer on the same CPUs, what both make together.
        gain: How many times as many as now.
    """

    change: Change
    rate: float
    gain: float


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What limits a pipeline.

    Attributes:
        limit: What there is too little of.
        slowest: The stage that takes longest.
        function: The function of the user that is most of what limits; None if none is.
        rate: Images per second that feeding makes, if nobody waits for the consumer.
        consumer_rate: Images per second that the consumer takes; None if it is not known.
        shared_rate: Images per second that feeding and a consumer on the same CPUs make together; None if there is no such consumer.
        waiting: Share of each step that the consumer waits for input, 0..1; 0 if the consumer is not known.
        changes: What would help, most first; none if a consumer with a device of its own is the limit.
        efficiency: What was measured, as a share of what stages and machinery allow.
    """

    limit: Limit
    slowest: Stage
    function: str | None
    rate: float
    consumer_rate: float | None
    shared_rate: float | None
    waiting: float
    changes: tuple[ExpectedChange, ...]
    efficiency: float

    @property
    def best(self) -> ExpectedChange | None:
        """The one change that would help most."""
        return self.changes[0] if self.changes else None

    @property
    def makes(self) -> float:
        """Images per second that are made: beside a consumer on the same CPUs, or else by feeding alone."""
        return self.rate if self.shared_rate is None else self.shared_rate

    @property
    def sentence(self) -> str:
        """What limits, as a sentence."""
        if self.limit == "consumer" and self.consumer_rate is not None:
            return f"The model limits: it takes {self.consumer_rate:,.0f} images/s, and feeding makes {self.rate:,.0f}."
        limits = LIMIT_WORDS[self.limit]
        return f"{limits[0].upper()}{limits[1:]} limits at {self.rate:,.0f} images/s{self._why}."

    @property
    def _why(self) -> str:
        """What is slow, if the limit does not say it."""
        if self.function is not None:
            does = "holds it" if self.limit == "interpreter" else "takes most of it"
            return f": your function {self.function} {does}"
        slowest = WORDS[self.slowest]
        return "" if LIMIT_WORDS[self.limit] == slowest else f": {slowest} is the slowest stage"


def judge(
    times: StageTimes,
    machinery: Machinery,
    *,
    changes: Sequence[Change] = (),
    measured_rate: float | None = None,
    consumer_rate: float | None = None,
    shares_cpus: bool = False,
) -> Verdict:
    """Says what limits a pipeline, and what would help.

    Args:
        times: What each stage takes.
        machinery: What executes them.
        changes: What could be changed, from `possible_changes`.
        measured_rate: Images per second of the whole, measured without a consumer. None: what stages and machinery allow.
        consumer_rate: Images per second that the consumer takes, if it never waits. None: nobody knows.
        shares_cpus: Whether the consumer computes on the CPUs that feed it. Where these are the limit, neither waits for the
            other, and cheaper images help both.
    """
    allowed = feed_rate(times, machinery)
    rate = allowed if measured_rate is None else measured_rate
    # All that this calculation leaves out (waking threads, other programs) is in this share, and stays as it is.
    efficiency = rate / allowed if math.isfinite(allowed) and allowed > 0 else 1.0
    is_behind = consumer_rate is None or rate < consumer_rate
    shared_rate, waiting = None, 0.0
    expected: list[ExpectedChange] = []
    if shares_cpus and consumer_rate is not None:
        both = _both_rate(times, machinery, efficiency, consumer_rate)
        shared_rate = min(rate, both)
        waiting = 1 - shared_rate / both
        # What is left to the device is left to the same CPUs.
        moved = [change for change in changes if change.kind != "uint8"]
        alone = [_expected(change, rate, efficiency, machinery) for change in moved]
        expected = [_beside(each, shared_rate, efficiency, machinery, consumer_rate) for each in alone]
    elif is_behind:
        waiting = 0.0 if consumer_rate is None else 1 - rate / consumer_rate
        expected = [_expected(change, rate, efficiency, machinery) for change in changes]
    helpful = [each for each in expected if each.gain >= MIN_GAIN]
    limit: Limit = _limit(times, machinery) if is_behind else "consumer"
    return Verdict(
        limit=limit,
        slowest=times.slowest,
        function=_function(limit, times),
        rate=rate,
        consumer_rate=consumer_rate,
        shared_rate=shared_rate,
        waiting=waiting,
        changes=tuple(sorted(helpful, key=lambda each: -each.gain)),
        efficiency=efficiency,
    )


def ways_to(need: float, times: StageTimes, machinery: Machinery, verdict: Verdict) -> list[str]:
    """Lists what would make so many images per second: actions without full stops; none if nothing would, or nothing need be done.

    Args:
        need: Images per second.
        times: What each stage takes.
        machinery: What executes them.
        verdict: About the same.
    """
    if verdict.makes >= need:
        return []
    ways = [each.change.action for each in verdict.changes if each.rate >= need]
    consumer_s = 0.0
    if verdict.shared_rate is not None and verdict.consumer_rate is not None:
        consumer_s = machinery.cpus / verdict.consumer_rate  # of one CPU
    more = _more_cpus(need, verdict.efficiency, times, machinery, consumer_s)
    if more is not None:
        ways.append(more)
    # Nothing does it alone: the change that helps most, and CPUs for the rest, where times of stages say what they would bring.
    calculable = [each.change for each in verdict.changes if each.change.rate is None]
    if not ways and calculable:
        change = calculable[0]
        share = _efficiency_after(change, verdict.efficiency, machinery)
        rest = _more_cpus(need, share, change.times, change.machinery, consumer_s)
        if rest is not None:
            ways.append(f"{change.action}, and {rest}")
    return ways


def _more_cpus(
    need: float, efficiency: float, times: StageTimes, machinery: Machinery, consumer_s: float
) -> str | None:
    # The consumer's seconds were measured as they are: only those of feeding get longer by what is lost.
    cpus = cpus_for(need / efficiency, times, machinery, consumer_s=consumer_s * efficiency)
    if cpus is None or cpus <= machinery.cpus:
        return None
    more = cpus - machinery.cpus
    return f"{more} more CPU{'s' if more > 1 else ''}"


def _expected(change: Change, rate: float, efficiency: float, machinery: Machinery) -> ExpectedChange:
    if change.rate is not None:
        return ExpectedChange(change=change, rate=change.rate, gain=change.rate / rate)
    after = feed_rate(change.times, change.machinery) * _efficiency_after(change, efficiency, machinery)
    if change.times.max_read_rate is not None:  # a disk is no faster for processes than for threads
        after = min(after, max(rate, change.times.max_read_rate * efficiency))
    return ExpectedChange(change=change, rate=after, gain=after / rate)


def _beside(
    expected: ExpectedChange,
    shared_rate: float,
    efficiency: float,
    machinery: Machinery,
    consumer_rate: float,
) -> ExpectedChange:
    """What a change brings where a consumer needs the same CPUs. Of more CPUs it has its part, too."""
    change = expected.change
    efficiency = _efficiency_after(change, efficiency, machinery)
    consumer_rate *= change.machinery.cpus / machinery.cpus
    after = min(expected.rate, _both_rate(change.times, change.machinery, efficiency, consumer_rate))
    return ExpectedChange(change=change, rate=after, gain=after / shared_rate)


def _both_rate(times: StageTimes, machinery: Machinery, efficiency: float, consumer_rate: float) -> float:
    """Images per second that CPUs allow feeding and a consumer on them: each image takes the time of both.

    While feeding waits for the disk or for a lock, the consumer computes. A CPU that waits for memory is busy.
    """
    rates = resource_rates(times, machinery)
    feeding = min(rates["cpus"], rates["memory"]) * efficiency
    return 1 / (1 / feeding + 1 / consumer_rate)


def _efficiency_after(change: Change, efficiency: float, machinery: Machinery) -> float:
    if change.machinery.kind != machinery.kind and not machinery.copies:  # these wait for nobody
        return max(efficiency, min(PROCESS_EFFICIENCY, MAX_PROCESS_GAIN * efficiency))
    return efficiency


def _limit(times: StageTimes, machinery: Machinery) -> Limit:
    """Names what is scarce. The scarcest resource says it, but if that is the CPUs, the stage that needs them most."""
    rates = resource_rates(times, machinery)
    scarcest = min(rates, key=lambda resource: rates[resource])
    match scarcest:
        case "disk" | "interpreter" | "memory":
            return scarcest
        case "workers":
            # They are too few for the CPUs, or wait most of their time, or wait a little beside the work that counts.
            if times["read"].wait_s > times.worker_s / 2:
                return "disk"
            return "workers" if machinery.workers < machinery.cpus else _of_stage(times.most_cpu)
        case "cpus":
            return "workers" if machinery.cpus == 1 else _of_stage(times.most_cpu)


def _function(limit: Limit, times: StageTimes) -> str | None:
    """Names the function of the user that is more than half of what limits."""
    match limit:
        case "augmentation":
            spent, all_of_them = {each.name: each.cpu_s for each in times.functions}, times["augment"].cpu_s
        case "interpreter":
            spent, all_of_them = {each.name: each.lock_s for each in times.functions}, holds_lock_s(times)
        case _:
            return None
    return next((name for name in spent if spent[name] > all_of_them / 2), None)


def _of_stage(stage: Stage) -> Limit:
    match stage:
        case "decode":
            return "decode"
        case "augment":
            return "augmentation"
        case "read" | "normalize":  # which move bytes, and compute next to nothing
            return "memory"
        case "batch" | "hand-over":  # which are Python in the main process
            return "interpreter"
