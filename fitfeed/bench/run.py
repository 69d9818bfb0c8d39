"""The whole measurement, step by step."""

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from fitfeed.bench.alternatives import measured_changes
from fitfeed.bench.disk import ask_disk
from fitfeed.bench.floors import Sample, copy_rate, stage_floors
from fitfeed.bench.load import load_of_each_cpu
from fitfeed.bench.plan import BenchPlan, stored_images
from fitfeed.pipelines.stages.changes import ChangeKind, StoredImages, possible_changes
from fitfeed.pipelines.stages.feed_rates import Machinery
from fitfeed.pipelines.stages.stage_times import STAGES, StageTimes
from fitfeed.pipelines.stages.verdict import Verdict, judge, ways_to

if TYPE_CHECKING:
    from fitfeed.bench.model_step import ModelSpeed
    from fitfeed.pipelines import Dataset

SAMPLE = 64
"""Images on which floors and changes are measured."""

SECONDS = 4.0
"""For which the whole is measured."""

STEPS = ("stages", "floors", "changes", "disk", "hand-over", "model", "whole")
"""What a measurement does, in this order, as progress names it."""

Progress = Callable[[str], None]
"""Told which of `STEPS` begins, and again and again that it goes on."""


@dataclass(frozen=True, kw_only=True)
class BenchResult:
    """What was measured, and what it means.

    Attributes:
        plan: What was measured.
        images: What is stored.
        machinery: What executed it.
        times: What each stage takes, with floors.
        cold_rate: Images per second that the disk delivers in the first epoch; None: the dataset is in a store, or was read.
        is_cached: Whether later epochs find the split in memory.
        model: How fast the model is; None: none was named.
        need: Images per second that are asked for; None: none.
        verdict: What limits, and what would help.
        ways: What would reach `need`, or keep the model busy.
        load: Programs that wanted a CPU in the minute before, for each CPU of the machine.
        seconds: How long all this took.
    """

    plan: BenchPlan
    images: StoredImages
    machinery: Machinery
    times: StageTimes
    cold_rate: float | None
    is_cached: bool
    model: "ModelSpeed | None"
    need: float | None
    verdict: Verdict
    ways: list[str]
    load: float
    seconds: float

    @property
    def floor_rate(self) -> float | None:
        """Images per second of a machine that does nothing but the floors, on as many CPUs."""
        floor = self.times.floor_s
        return None if not floor else self.machinery.cpus / floor


def run_bench(
    dataset: "Dataset",
    plan: BenchPlan,
    *,
    model: str | None = None,
    need: float | None = None,
    seconds: float = SECONDS,
    progress: Progress = lambda step: None,
) -> BenchResult:
    """Measures a pipeline, and says what limits it.

    Args:
        dataset: The dataset.
        plan: Its pipeline.
        model: A `.keras` file, or a name: what the images are for.
        need: Images per second that are asked for.
        seconds: How long the whole is measured. The rest takes about as long.
        progress: Told what is being done.

    Raises:
        UsageError: If the options do not fit the dataset, or there is no such model.
        DamagedExampleError: If an example is damaged.
    """
    from fitfeed.bench.hand_over import hand_over, whole_rate
    from fitfeed.pipelines.feed.function_times import with_functions
    from fitfeed.pipelines.feed.measure_stages import measure_stages

    began, load = time.monotonic(), load_of_each_cpu()
    records = dataset.records(plan.split)
    machinery, images = plan.machinery(dataset), stored_images(dataset, plan)
    progress("stages")
    maker = plan.maker(dataset)
    times = measure_stages(maker, max_s=seconds, progress=lambda _: progress("stages"))

    progress("floors")
    sample = Sample(records, SAMPLE)
    shape = maker.specs["image"].shape[1:]
    image_shape = (int(shape[0] or 0), int(shape[1] or 0), int(shape[2] or 0))
    floors = stage_floors(dataset, plan.split, sample, image_shape=image_shape, image_bytes=maker.image_bytes)
    machinery = dataclasses.replace(machinery, memory_bytes_per_s=copy_rate(threads=machinery.cpus))
    for stage in STAGES:
        if stage in floors and times[stage].cpu_s > 0:
            times = times.with_stage(stage, floor_s=floors[stage])
    times = with_functions(times, plan.augment, sample.pixels, image_size=plan.image_size)

    progress("changes")
    measured, operation = measured_changes(
        times, sample, plan, images, channels=records.channels, progress=lambda: progress("changes")
    )

    progress("disk")
    times, cold, is_cached = ask_disk(dataset, plan.split, times, machinery)
    measured = {kind: _like(after, times) for kind, after in measured.items()}

    progress("hand-over")
    times = dataclasses.replace(times, stages={**times.stages, "hand-over": hand_over(maker)})
    measured = {
        kind: dataclasses.replace(after, stages={**after.stages, "hand-over": times["hand-over"]})
        for kind, after in measured.items()
    }

    speed = None
    if model is not None:
        from fitfeed.bench.model_step import model_speed

        progress("model")
        speed = model_speed(
            model,
            batch_size=plan.batch_size,
            image_shape=image_shape,
            progress=lambda: progress("model"),
        )

    progress("whole")
    timed = partial(whole_rate, dataset, seconds=seconds, progress=lambda: progress("whole"))
    rate = timed(plan)
    rates: dict[ChangeKind, float] = {}
    if images.encoding == "raw" and images.normalizes and images.depth == 8:
        # All that these stages do is to move bytes. How fast fewer of them move, no times of stages tell.
        rates["uint8"] = timed(dataclasses.replace(plan, dtype="uint8"))
    changes = possible_changes(times, machinery, images, measured=measured, rates=rates, operation=operation)
    # A model on the CPU shares it with feeding. What takes more of each image is the limit there, too.
    consumer = None if speed is None else speed.images_per_second
    verdict = judge(
        times,
        machinery,
        changes=changes,
        measured_rate=rate,
        consumer_rate=consumer,
        shares_cpus=speed is not None and not speed.is_apart,
    )
    wanted = consumer if need is None and speed is not None and speed.is_apart else need
    if speed is not None and speed.is_apart:
        # What reaches a need is asked of feeding alone: no consumer takes CPUs from it.
        asked = judge(times, machinery, changes=changes, measured_rate=rate)
    else:
        asked = verdict
    return BenchResult(
        plan=plan,
        images=images,
        machinery=machinery,
        times=times,
        cold_rate=cold,
        is_cached=is_cached,
        model=speed,
        need=need,
        verdict=verdict,
        ways=[] if wanted is None else ways_to(wanted, times, machinery, asked),
        load=load,
        seconds=time.monotonic() - began,
    )


def _like(after: StageTimes, times: StageTimes) -> StageTimes:
    """The times after a change, with the disk as it was found meanwhile: it delivers as many bytes."""
    before = times["read"]
    share = after["read"].cpu_s / before.cpu_s if before.cpu_s > 0 else 1.0
    after = after.with_stage("read", wait_s=before.wait_s * share)
    rate = times.max_read_rate
    return dataclasses.replace(after, max_read_rate=None if rate is None else rate / max(share, 1e-9))
