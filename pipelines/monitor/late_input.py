"""Why input is late: measures the stages of the pipeline that made it, and asks for a verdict."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fitfeed.pipelines.batches.workers.pickling import check_importable
from fitfeed.pipelines.feed.batch_maker import BatchMaker
from fitfeed.pipelines.feed.measure_stages import measure_stages
from fitfeed.pipelines.monitor.epoch_waiting import InputWaiting
from fitfeed.pipelines.stages.changes import StoredImages, possible_changes
from fitfeed.pipelines.stages.feed_rates import Machinery
from fitfeed.pipelines.stages.stage_times import StageTimes
from fitfeed.pipelines.stages.verdict import Verdict, judge, ways_to
from fitfeed.schemas.cpus import available_cpus
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.payload import payload_format

IMAGES = 64
"""Images that stages are measured on, about. They take some 30 ms, once for a pipeline."""

LOOKED_AT = 8
"""Stored images whose encoding is looked at."""


@dataclass(frozen=True, kw_only=True)
class FedPipeline:
    """What is known of a pipeline whose batches are late.

    Attributes:
        times: What each stage takes for an image.
        machinery: What executes the stages.
        images: What is stored.
    """

    times: StageTimes
    machinery: Machinery
    images: StoredImages


@dataclass(frozen=True, kw_only=True)
class LateInput:
    """Why input was late.

    Attributes:
        verdict: What limits, and what would help.
        ways: What would end the waiting, each by itself: actions without full stops. None if nothing that is known would.
    """

    verdict: Verdict
    ways: tuple[str, ...]


def look_at(maker: BatchMaker) -> FedPipeline:
    """Measures the stages of a pipeline that is at rest, in this thread.

    Args:
        maker: What makes its batches.
    """
    options, records, cpus = maker.options, maker.records, available_cpus()
    some = np.unique(np.linspace(0, len(records) - 1, min(LOOKED_AT, len(records))).astype(int))
    formats: list[Any] = ["raw"]
    if not records.is_raw:
        formats = [payload_format(records.encoded(int(number))) for number in some]
    heights, widths = np.asarray(records.index.height), np.asarray(records.index.width)
    return FedPipeline(
        times=measure_stages(maker, images=IMAGES, rounds=1),
        machinery=Machinery(
            cpus=cpus,
            workers=options.worker_processes or cpus,
            kind="processes" if options.worker_processes else "threads",
            machine_cpus=os.cpu_count() or 1,
        ),
        images=StoredImages(
            height=int(np.median(heights)),
            width=int(np.median(widths)),
            encoding=max(set(formats), key=formats.count),
            depth=records.depth,
            image_size=options.image_size,
            normalizes=options.normalize is not None,
            dtype=options.dtype,
            operations=len(options.augment),
            may_fork=_may_fork(options.augment),
        ),
    )


def late_input(waiting: InputWaiting, pipeline: FedPipeline) -> LateInput | None:
    """Says why input was late; None if it is not known how fast it was needed.

    Args:
        waiting: What was measured of an epoch that has waited.
        pipeline: What has made its batches.
    """
    times, machinery = pipeline.times, pipeline.machinery
    need = waiting.need
    if need is None:
        return None
    verdict = judge(
        times,
        machinery,
        changes=possible_changes(times, machinery, pipeline.images),
        measured_rate=waiting.images / waiting.total,
        consumer_rate=need,
    )
    return LateInput(verdict=verdict, ways=tuple(ways_to(need, times, machinery, verdict)))


def _may_fork(augment: Sequence[Any]) -> bool:
    try:
        check_importable(augment)
    except UsageError:
        return False
    return True
