"""Why input is late: measures the stages of the pipeline that made it, and asks for a verdict."""

from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from fitfeed.pipelines.feed.batch_maker import BatchMaker
from fitfeed.pipelines.feed.function_times import with_functions
from fitfeed.pipelines.feed.measure_stages import measure_stages
from fitfeed.pipelines.feed.stored_images import describe_images
from fitfeed.pipelines.monitor.epoch_waiting import InputWaiting
from fitfeed.pipelines.reading.records import Records
from fitfeed.pipelines.stages.changes import StoredImages, possible_changes
from fitfeed.pipelines.stages.feed_rates import Machinery
from fitfeed.pipelines.stages.stage_times import StageTimes
from fitfeed.pipelines.stages.verdict import Verdict, judge, ways_to
from fitfeed.schemas.errors import DamagedExampleError
from fitfeed.schemas.payload import Pixels

IMAGES = 64
"""Images that stages are measured on, about, once for a pipeline. It is whole batches: one, if that is larger, and one more before
that is not counted."""

LOOKED_AT = 8
"""Stored images whose encoding is looked at, and with which functions of the user are called."""


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
    options, records = maker.options, maker.records
    times = measure_stages(maker, images=IMAGES, rounds=1)
    return FedPipeline(
        times=with_functions(times, options.augment, _stored(records), image_size=options.image_size),
        machinery=maker.machinery,
        images=describe_images(
            records,
            image_size=options.image_size,
            normalizes=options.normalize is not None,
            dtype=options.dtype,
            augment=options.augment,
            looked_at=LOOKED_AT,
        ),
    )


def _stored(records: Records) -> list[Pixels]:
    """Some images. Damaged ones are left out: training may skip them."""
    images = []
    for row in np.unique(np.linspace(0, len(records) - 1, min(LOOKED_AT, len(records))).astype(int)):
        with suppress(DamagedExampleError):
            images.append(records.pixels(int(row)).pixels)
    return images


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
