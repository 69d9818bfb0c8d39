"""Results of `fitfeed bench` as a quiet machine would have them, made by hand."""

import dataclasses
from typing import Any

from fitfeed.bench.model_step import ModelSpeed
from fitfeed.bench.plan import BenchPlan
from fitfeed.bench.run import BenchResult
from fitfeed.pipelines.stages.changes import StoredImages, possible_changes
from fitfeed.pipelines.stages.feed_rates import Machinery
from fitfeed.pipelines.stages.stage_times import StageTimes
from fitfeed.pipelines.stages.verdict import judge, ways_to

MACHINERY = Machinery(cpus=2, workers=2, machine_cpus=2, memory_bytes_per_s=1e10)

IMAGES = StoredImages(height=400, width=533, encoding="jpeg", image_size=(224, 224))

TIMES = (
    StageTimes.of(read=5e-6, decode=495e-6, augment=165e-6, normalize=32e-6, batch=8e-6, hand_over=5e-6)
    .with_stage("decode", floor_s=450e-6)
    .with_stage("augment", floor_s=100e-6)
)


def made_result(
    *, rate: float = 2600.0, model: ModelSpeed | None = None, need: float | None = None, **given: Any
) -> BenchResult:
    """A result whose verdict follows from its times."""
    changes = possible_changes(TIMES, MACHINERY, IMAGES)
    consumer = None if model is None else model.images_per_second
    verdict = judge(
        TIMES,
        MACHINERY,
        changes=changes,
        measured_rate=rate,
        consumer_rate=consumer,
        shares_cpus=model is not None and not model.is_apart,
    )
    wanted = need or (consumer if model is not None and model.is_apart else None)
    asked = verdict
    if model is not None and model.is_apart:
        asked = judge(TIMES, MACHINERY, changes=changes, measured_rate=rate)
    result = BenchResult(
        plan=BenchPlan(split="train", batch_size=32, image_size=(224, 224)),
        images=IMAGES,
        machinery=MACHINERY,
        times=TIMES,
        cold_rate=9000.0,
        is_cached=True,
        model=model,
        need=need,
        verdict=verdict,
        ways=[] if wanted is None else ways_to(wanted, TIMES, MACHINERY, asked),
        load=0.0,
        seconds=9.0,
    )
    return dataclasses.replace(result, **given)
