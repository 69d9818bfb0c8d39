"""From the moments of a step to the time that it waited: arithmetic only.

    previous step computed        batch there         this step computed
    |                             |                   |
    |--- between --|--- waiting --|---- computing ----|
                   |
                   asks for a batch

Where steps are computed asynchronously, the next batch is asked for while the device still computes. Nobody
waits for that batch before the device has nothing else to do:

    asks for a batch              batch there         this step computed
    |                             |                   |
    |-- the previous -|- waiting -|---- computing ----|
                      |
                      previous step computed
"""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Execution:
    """The moments of one call of the train function, which computes one step or several. All on one clock, in seconds.

    Attributes:
        asked: When it asked for its first batch.
        ready: When each of its batches was there, which may be before `asked`. At least one.
        computed: When its results were there.
    """

    asked: float
    ready: tuple[float, ...]
    computed: float


class StepSeconds(NamedTuple):
    """Seconds of one step; together, they are the time since the step before it.

    Attributes:
        waiting: The device has nothing to do, because the batch is not there yet.
        computing: The step is computed.
        between: Neither; callbacks, for example.
    """

    waiting: float
    computing: float
    between: float = 0.0

    @property
    def total(self) -> float:
        """Their sum."""
        return self.waiting + self.computing + self.between

    @property
    def share(self) -> float:
        """Share of the sum that is waiting, 0..1."""
        return self.waiting / self.total if self.total else 0.0


def step_seconds(execution: Execution, previous: float | None = None) -> list[StepSeconds]:
    """Divides the time of an execution among its steps.

    If there are several, each is assumed to be computed in the same time c: one call computes them, and nobody
    sees the moments between. Step j begins when its batch is there and step j - 1 is computed. So the end of the call
    is the latest of begin + n c and ready[j] + (n - j) c, which gives c.

    Args:
        execution: Its moments.
        previous: When the execution before it was computed. None: it is the first.

    Returns:
        One entry for each of the n steps; "between" is part of the first.
    """
    asked, ready, computed = execution.asked, execution.ready, execution.computed
    begin = asked if previous is None else max(asked, previous)
    between = begin - previous if previous is not None else 0.0
    steps = len(ready)
    bounds = [(computed - there) / (steps - j) for j, there in enumerate(ready)]
    each = max(0.0, min((computed - begin) / steps, *bounds))
    times = []
    for there in ready:
        waiting = max(0.0, there - begin)
        begin += waiting + each
        times.append(StepSeconds(waiting, each, between))
        between = 0.0
    return times
