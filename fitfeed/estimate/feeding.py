"""Measures how fast a training would get the images of a dataset."""

import dataclasses
import statistics
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fitfeed.bench import disk
from fitfeed.bench.hand_over import endless_rate
from fitfeed.bench.plan import BenchPlan
from fitfeed.pipelines import open_dataset
from fitfeed.pipelines.feed.measure_stages import measure_stages
from fitfeed.pipelines.stages.feed_rates import Machinery
from fitfeed.pipelines.stages.stage_times import STAGES, StageTime, StageTimes

BATCH_SIZE = 32

STAGE_ROUNDS = 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class Feeding:
    """What a training would get.

    Attributes:
        rate: Images per second of the whole pipeline, from memory.
        cold_rate: Images per second that the disk delivers.
        times: What the stages take.
        part_s: CPU seconds of an image, of each part.
        machinery: What executes the stages.
    """

    rate: float
    cold_rate: float
    times: StageTimes
    part_s: list[float]
    machinery: Machinery


def measure_feeding(
    path: Path,
    parts: Sequence[str],
    *,
    image_size: tuple[int, int],
    augment: Sequence[Any],
    seconds: float,
    progress: Callable[[], None] = lambda: None,
) -> Feeding:
    """Measures the pipeline that `make_pipeline` would make.

    Args:
        path: A dataset of a sample.
        parts: Its splits.
        image_size: (height, width) of a batch.
        augment: Augmentations.
        seconds: How long the whole is measured.
        progress: Called now and then.
    """
    dataset = open_dataset(path)
    examples = sum(dataset.splits[part].examples for part in parts)
    splits: Any = list(parts)
    plan = BenchPlan(
        split=splits, batch_size=min(BATCH_SIZE, examples), image_size=image_size, augment=augment
    )
    of_parts, cold_s = [], 0.0
    machinery = plan.machinery(dataset)
    for part in parts:
        count = dataset.splits[part].examples
        part_plan = dataclasses.replace(plan, split=part, batch_size=count)
        maker = part_plan.maker(dataset)
        of_parts.append(measure_stages(maker, images=count, rounds=STAGE_ROUNDS, max_s=seconds))
        cold_s += count / disk.cold_rate(dataset, part, threads=machinery.workers)
        progress()
    with warnings.catch_warnings():  # a constant channel, of gray pictures for example
        warnings.simplefilter("ignore")
        rate = endless_rate(dataset, plan, seconds=seconds, progress=progress)
    return Feeding(
        rate=rate,
        cold_rate=examples / cold_s,
        times=_mean(of_parts),
        part_s=[times.cpu_s for times in of_parts],
        machinery=machinery,
    )


def shorter_side(path: Path, parts: Sequence[str]) -> int:
    """The shorter side of images as they are stored, median."""
    index = open_dataset(path).records(list(parts)).index
    return int(np.median(np.minimum(np.asarray(index.height), np.asarray(index.width))))


def _mean(parts: Sequence[StageTimes]) -> StageTimes:
    stages = {
        stage: StageTime(
            cpu_s=statistics.mean(times[stage].cpu_s for times in parts),
            wait_s=statistics.mean(times[stage].wait_s for times in parts),
        )
        for stage in STAGES
    }
    return dataclasses.replace(parts[0], stages=stages)
