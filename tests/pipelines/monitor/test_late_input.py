"""The stages of a pipeline are measured as it is."""

from typing import Any

import numpy as np
import pytest

from fitfeed.pipelines import Dataset, RandomFlip, RandomResizedCrop
from fitfeed.pipelines.augment.base import Augmentation
from fitfeed.pipelines.augment.compiler.user_functions import ImageFunction
from fitfeed.pipelines.feed.batch_maker import BatchMaker
from fitfeed.pipelines.monitor.epoch_waiting import InputWaiting
from fitfeed.pipelines.monitor.late_input import late_input, look_at
from fitfeed.pipelines.reading.records import Records
from fitfeed.schemas.errors import DamagedExampleError
from tests.pipelines.option_defaults import DEFAULTS


def maker(
    dataset: Dataset, augment: list[Augmentation | ImageFunction], processes: int = 0, **given: Any
) -> BatchMaker:
    from fitfeed.pipelines.options import PipelineOptions

    chosen = {"batch_size": 8, "image_size": (16, 16), "augment": augment, "processes": processes, **given}
    return BatchMaker(dataset, "train", PipelineOptions.of_split("train", **{**DEFAULTS, **chosen}))


def heavy(image: np.ndarray) -> np.ndarray:
    return np.sort(np.repeat(image.ravel(), 200))[: image.size].reshape(image.shape)


def test_the_stage_that_is_slow_is_named(flowers: Dataset) -> None:
    waiting = InputWaiting(steps=10, left_out=1, images=80, waiting=8.0, computing=2.0, between=0.0)
    pipeline = look_at(maker(flowers, [heavy]))
    late = late_input(waiting, pipeline)
    assert late is not None
    assert pipeline.times.slowest == "augment"
    assert late.verdict.slowest == "augment"
    assert late.verdict.waiting == pytest.approx(0.8)
    assert [each.name for each in pipeline.times.functions] == ["heavy"]
    assert late.verdict.function == "heavy"


def test_where_nobody_can_say_what_is_needed_nothing_is_said(thumbnails: Dataset) -> None:
    pipeline = look_at(maker(thumbnails, []))
    for images, computing in ((0, 2.0), (80, 0.0)):
        waiting = InputWaiting(
            steps=10, left_out=1, images=images, waiting=8.0, computing=computing, between=0.0
        )
        assert late_input(waiting, pipeline) is None


def test_what_is_stored_and_what_executes_it_are_known(flowers: Dataset, thumbnails: Dataset) -> None:
    found = look_at(maker(flowers, [RandomResizedCrop(), RandomFlip()]))
    assert (found.images.encoding, found.images.operations, found.images.normalizes) == ("jpeg", 2, True)
    assert (found.machinery.kind, found.images.may_fork) == ("threads", True)
    raw = look_at(maker(thumbnails, [], processes=2))
    assert (raw.images.encoding, raw.images.may_fork) == ("raw", True)
    assert (raw.machinery.kind, raw.machinery.workers) == ("processes", 2)
    assert not look_at(maker(thumbnails, [lambda image: image])).images.may_fork


def test_damaged_images_do_not_end_a_training_that_skips_them(
    flowers: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Records.pixels

    def fail(records: Records, row: int, *arguments: Any, **named: Any) -> Any:
        if row == 0:
            raise DamagedExampleError("damaged")
        return read(records, row, *arguments, **named)

    pipeline = maker(flowers, [heavy], on_error="skip")
    monkeypatch.setattr(Records, "pixels", fail)
    assert [each.name for each in look_at(pipeline).times.functions] == ["heavy"]
