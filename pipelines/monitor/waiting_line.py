"""Says in one line whether an epoch waited for its input, why, and what would end it."""

from fitfeed.pipelines.monitor.epoch_waiting import InputWaiting
from fitfeed.pipelines.monitor.late_input import LateInput
from fitfeed.pipelines.stages.stage_times import WORDS
from fitfeed.pipelines.stages.verdict import Verdict

MIN_SHARE = 0.05
"""Share of waiting from which on an epoch is input-bound. Below, ending it would not be noticed."""

MIN_EFFICIENCY = 0.5
"""Where less than this comes of what the stages could make, something else than a stage is too slow."""

MAX_WAYS = 2
"""Ways to end the waiting that are named."""


def waiting_line(waiting: InputWaiting, late: LateInput | None = None) -> str:
    """Returns the line.

    Args:
        waiting: What was measured.
        late: Why it waited; None if it did not, or nobody knows.
    """
    if not waiting.steps:
        return "input: no step was measured."
    step = f"{waiting.share:.0%} of each step of {1e3 * waiting.total / waiting.steps:.3g} ms"
    if waiting.share < MIN_SHARE:
        return f"compute-bound: {step} waits for input."
    if late is None:
        return f"input-bound: {step} waits. `fitfeed bench` says which stage is slow."
    verdict = late.verdict
    if verdict.efficiency < MIN_EFFICIENCY:
        could = f"{verdict.rate / verdict.efficiency:,.0f} images/s, and {verdict.rate:,.0f} came"
        return (
            f"input-bound: {step} waits. The stages could make {could}: what held them up is other programs, the first "
            f"reading from a slow disk, or a function in augment that waits."
        )
    line = f"input-bound: {step} waits, {_why(verdict)}"
    if late.ways:
        return f"{line}. To end it: {', or '.join(late.ways[:MAX_WAYS])}."
    if verdict.best is not None:
        return f"{line}. What helps most: {verdict.best.change.action} ({verdict.best.gain:.2g} times as many images/s)."
    return f"{line}."


def _why(verdict: Verdict) -> str:
    if verdict.function is None:
        return f"{WORDS[verdict.slowest]} is the slowest stage"
    does = "holds the interpreter lock" if verdict.limit == "interpreter" else "takes most of augmentation"
    return f"your function {verdict.function} {does}"
