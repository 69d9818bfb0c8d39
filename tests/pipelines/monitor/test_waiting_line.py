"""The line about an epoch says what was measured, and what would end the waiting."""

import dataclasses

import pytest

from fitfeed.pipelines.monitor.epoch_waiting import InputWaiting
from fitfeed.pipelines.monitor.late_input import FedPipeline, late_input
from fitfeed.pipelines.monitor.waiting_line import waiting_line
from fitfeed.pipelines.stages.changes import StoredImages
from fitfeed.pipelines.stages.feed_rates import Machinery
from fitfeed.pipelines.stages.stage_times import FunctionTime, StageTimes

PHOTOS = StoredImages(height=400, width=533, encoding="jpeg", image_size=(224, 224))


def epoch(*, share: float, images: int = 6400, seconds: float = 10.0) -> InputWaiting:
    waiting = share * seconds
    return InputWaiting(
        steps=100, left_out=1, images=images, waiting=waiting, computing=seconds - waiting, between=0.0
    )


def fed(decode: float, *, read: float = 0.0, cpus: int = 4) -> FedPipeline:
    times = StageTimes.of(decode=decode, augment=90e-6, read=read)
    return FedPipeline(times=times, machinery=Machinery(cpus=cpus, workers=cpus), images=PHOTOS)


def line(waiting: InputWaiting, pipeline: FedPipeline) -> str:
    return waiting_line(waiting, late_input(waiting, pipeline))


def test_a_model_that_is_slower_than_its_input_is_said_to_limit() -> None:
    assert waiting_line(epoch(share=0.01)) == "compute-bound: 1% of each step of 100 ms waits for input."


def test_what_would_end_the_waiting_is_named() -> None:
    # 4 CPUs make 4 / 6.25 ms = 640 images/s; a model that never waited would take 640 / 0.57 = 1,123.
    said = line(epoch(share=0.43), fed(6.16e-3))
    assert said.startswith(
        "input-bound: 43% of each step of 100 ms waits, decoding is the slowest stage. To end it: "
    )
    assert said.endswith("4 more CPUs.")
    small = line(epoch(share=0.1), fed(6.16e-3))
    assert "To end it: convert with `--size 256`, or 1 more CPU." in small


def test_a_function_of_the_user_is_named() -> None:
    times = StageTimes.of(decode=0.2e-3, augment=6.05e-3)
    blur = FunctionTime(name="blur", cpu_s=6e-3, lock_s=0.0)
    pipeline = FedPipeline(
        times=dataclasses.replace(times, functions=(blur,)),
        machinery=Machinery(cpus=4, workers=4),
        images=dataclasses.replace(PHOTOS, operations=1),
    )
    said = line(epoch(share=0.43), pipeline)
    assert ", your function blur takes most of augmentation. To end it: " in said
    assert "leave out your function blur, or make it faster" in said


def test_a_function_that_holds_the_lock_is_named() -> None:
    times = StageTimes.of(decode=0.2e-3, augment=1.5e-3, lock_s=1.5e-3)
    count = FunctionTime(name="count", cpu_s=1.45e-3, lock_s=1.45e-3)
    pipeline = FedPipeline(
        times=dataclasses.replace(times, functions=(count,)),
        machinery=Machinery(cpus=4, workers=4, kind="threads", machine_cpus=4),
        images=dataclasses.replace(PHOTOS, operations=1),
    )
    said = line(epoch(share=0.43), pipeline)
    assert ", your function count holds the interpreter lock. To end it: " in said
    assert "use worker processes: `processes=4`" in said


def test_what_would_not_end_it_but_helps_is_named() -> None:
    times = StageTimes.of(decode=6.16e-3, augment=90e-6, max_read_rate=641.0)
    pipeline = FedPipeline(times=times, machinery=Machinery(cpus=4, workers=4), images=PHOTOS)
    said = line(epoch(share=0.8), pipeline)
    assert "decoding is the slowest stage. What helps most: convert with `--size 256` (" in said


def test_where_stages_are_not_what_was_slow_that_is_said() -> None:
    assert "The stages could make 11,111 images/s, and 640 came" in line(epoch(share=0.5), fed(270e-6))


def test_a_pipeline_that_is_not_known_is_left_to_bench() -> None:
    assert waiting_line(epoch(share=0.5)).endswith("`fitfeed bench` says which stage is slow.")


@pytest.mark.parametrize("share", [0.05, 0.5, 0.99])
def test_the_predicted_waiting_is_what_was_measured(share: float) -> None:
    late = late_input(epoch(share=share), fed(6.16e-3))
    assert late is not None
    assert late.verdict.waiting == pytest.approx(share)
