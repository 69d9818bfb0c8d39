"""Only what can be changed is offered, and what it brings is foretold plausibly."""

import dataclasses
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.pipelines.options import OutputType
from fitfeed.pipelines.stages.changes import (
    VALUE_BYTES,
    StoredImages,
    possible_changes,
    smaller,
    without_normalizing,
)
from fitfeed.pipelines.stages.feed_rates import Machinery, feed_rate
from fitfeed.pipelines.stages.stage_times import StageTime, StageTimes

PHOTOS = StoredImages(height=400, width=533, encoding="jpeg", image_size=(224, 224))

TIMES = StageTimes.of(read=5e-6, decode=495e-6, augment=165e-6, normalize=32e-6, batch=8e-6, hand_over=5e-6)

FOUR = Machinery(cpus=4, workers=4, machine_cpus=4)


def kinds(images: StoredImages = PHOTOS, machinery: Machinery = FOUR, times: StageTimes = TIMES) -> set[str]:
    return {change.kind for change in possible_changes(times, machinery, images)}


@pytest.mark.parametrize(
    ("stored", "output", "side"),
    [
        ((400, 533), (224, 224), 256),
        ((256, 341), (224, 224), None),
        ((400, 533), None, None),
        ((1000, 800), (299, 299), 352),
        ((400, 533), (96, 128), 160),
        ((64, 64), (32, 32), 40),
        ((300, 300), (224, 224), None),
    ],
)
def test_a_smaller_side_is_offered_where_images_are_much_larger(
    stored: tuple[int, int], output: tuple[int, int] | None, side: int | None
) -> None:
    images = StoredImages(height=stored[0], width=stored[1], encoding="jpeg", image_size=output)
    assert images.smaller_side == side


def test_raw_pixels_are_of_the_right_size_already() -> None:
    assert StoredImages(height=400, width=533, encoding="raw", image_size=(224, 224)).smaller_side is None


def test_what_is_offered_depends_on_what_there_is() -> None:
    assert kinds() == {"size", "uint8"}
    png = StoredImages(height=256, width=256, encoding="png", image_size=(224, 224), normalizes=False)
    assert kinds(png) == set(), "what nobody has measured cannot be promised"
    assert kinds(machinery=Machinery(cpus=4, workers=4, kind="threads")) == {"size", "uint8", "processes"}
    assert kinds(machinery=Machinery(cpus=4, workers=1)) == {"size", "uint8", "workers"}
    assert kinds(machinery=Machinery(cpus=1, workers=1, machine_cpus=8)) == {"size", "uint8", "cpus"}


def test_threads_that_only_copy_gain_nothing_by_as_many_processes() -> None:
    raw = StoredImages(height=224, width=224, encoding="raw", normalizes=False, dtype="uint8")
    times = StageTimes.of(read=30e-6, batch=8e-6)
    copying = Machinery(cpus=4, workers=4, kind="threads", copies=True, machine_cpus=4)
    assert possible_changes(times, copying, raw) == []
    (change,) = possible_changes(times, dataclasses.replace(copying, workers=3), raw)
    assert change.action == "use worker processes: `processes=4`"
    assert (change.machinery.kind, change.machinery.copies) == ("processes", False)


def test_measured_times_come_before_foretold_ones() -> None:
    png = StoredImages(height=256, width=256, encoding="png", normalizes=False, operations=2)
    after = StageTimes.of(decode=1e-6)
    changes = possible_changes(
        TIMES, FOUR, png, measured={"encoding": after, "operations": after}, operation="Slow()"
    )
    assert [change.kind for change in changes] == ["encoding", "operations"]
    assert all(change.is_measured and change.times == after for change in changes)
    assert "Slow()" in changes[1].action


def test_fewer_augmentations_cost_the_floor_at_least() -> None:
    times = TIMES.with_stage("augment", floor_s=40e-6)
    images = StoredImages(height=256, width=256, encoding="jpeg", normalizes=False, operations=1)
    (change,) = possible_changes(times, FOUR, images)
    assert change.times["augment"].cpu_s == pytest.approx(40e-6)


def test_own_functions_are_moved_before_processes_can_call_them() -> None:
    images = StoredImages(height=256, width=256, encoding="jpeg", normalizes=False, may_fork=False)
    (change,) = possible_changes(TIMES, Machinery(cpus=4, workers=4, kind="threads"), images)
    assert change.action.startswith("move your own functions")


def test_more_workers_than_cpus_where_they_wait() -> None:
    waiting = TIMES.with_stage("read", wait_s=5e-3)
    images = StoredImages(height=256, width=256, encoding="jpeg", normalizes=False)
    (change,) = possible_changes(waiting, FOUR, images)
    assert change.machinery.workers == 8
    assert feed_rate(waiting, change.machinery) == pytest.approx(2 * feed_rate(waiting, FOUR), rel=0.01)


def test_smaller_photographs_are_foretold_as_they_were_measured() -> None:
    """docs/performance.md: decoding 495 to 269 us, cropping and resizing 165 to 90, for 256 of 400 pixels."""
    after = smaller(TIMES, (256 / 400) ** 2)
    assert after["decode"].cpu_s == pytest.approx(269e-6, rel=0.05)
    assert after["augment"].cpu_s == pytest.approx(90e-6, rel=0.35)
    assert after["normalize"] == TIMES["normalize"]


@given(st.floats(0, 1))
def test_fewer_pixels_are_never_more_work(pixels: float) -> None:
    times = TIMES.with_stage("read", wait_s=1e-3)
    after = smaller(times, pixels)
    assert after.cpu_s <= times.cpu_s * (1 + 1e-9)
    assert after.worker_s <= times.worker_s * (1 + 1e-9)


@pytest.mark.parametrize(("dtype", "copied_bytes"), [("float32", 100), ("float16", 200), ("bfloat16", 200)])
def test_uint8_is_not_normalized_and_fewer_bytes(dtype: str, copied_bytes: float) -> None:
    times = StageTimes(
        stages={"normalize": StageTime(cpu_s=1, floor_s=1), "decode": StageTime(cpu_s=2)}, copied_bytes=400
    )
    after = without_normalizing(times, dtype)
    assert (after.cpu_s, after.copied_bytes, after.floor_s) == (2, copied_bytes, None)
    images = StoredImages(height=64, width=64, encoding="raw", dtype=dtype)
    (change,) = possible_changes(times, FOUR, images)
    assert change.times == after


def test_the_bytes_of_each_type_of_a_batch_are_known() -> None:
    assert set(VALUE_BYTES) == set(get_args(OutputType))
