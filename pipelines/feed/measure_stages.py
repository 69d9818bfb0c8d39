"""Measures what the stages of a pipeline take, by running them on a few batches in one thread."""

import math
import statistics
import time
from collections.abc import Callable

from fitfeed.pipelines.feed.batch_maker import BatchMaker
from fitfeed.pipelines.stages.stage_times import STAGES, Stage, StageTime, StageTimes

IMAGES = 128
"""Images of a round, about."""

ROUNDS = 5


def measure_stages(
    maker: BatchMaker,
    *,
    images: int = IMAGES,
    rounds: int = ROUNDS,
    max_s: float = math.inf,
    progress: Callable[[int], None] = lambda done: None,
) -> StageTimes:
    """Measures CPU time and waiting of each stage. The hand-over to a framework is not among them.

    A first round, of the images that the second has too, is not counted: it compiles and maps memory. Each other round is
    an epoch of its own, with other images where the split has more, and the median of the rounds counts.

    Args:
        maker: What makes the batches.
        images: How many in a round, about: whole batches.
        rounds: How many count.
        max_s: After so many seconds no other round begins.
        progress: Told how many rounds are done.
    """
    size = maker.batch_size
    steps = range(min(len(maker.steps), max(1, images // size)))
    _round(maker, 1, steps[:1])
    began, measured = time.monotonic(), list[dict[Stage, StageTime]]()
    for epoch in range(1, rounds + 1):
        measured.append(_round(maker, epoch, steps))
        progress(epoch)
        if time.monotonic() - began > max_s:
            break
    stages = {
        stage: StageTime(
            cpu_s=statistics.median(times[stage].cpu_s for times in measured),
            wait_s=statistics.median(times[stage].wait_s for times in measured),
        )
        for stage in STAGES
    }
    return StageTimes(stages=stages, copied_bytes=maker.image_bytes)


def _round(maker: BatchMaker, epoch: int, steps: range) -> dict[Stage, StageTime]:
    clock, count = maker.stage_clock(), 0
    for step in steps:
        count += len(maker.make(epoch, step, clock)["image"])
    return clock.times(count)
