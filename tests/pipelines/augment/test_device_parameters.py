"""What the host samples for a device: the columns, and that they are the draws of the CPU."""

from typing import Any

import numpy as np
import pytest

from fitfeed.pipelines import (
    AugMix,
    CutMix,
    MixUp,
    RandomBrightness,
    RandomCrop,
    RandomFlip,
    RandomResizedCrop,
    RandomRotation,
)
from fitfeed.pipelines.augment.compiler.program import Program
from fitfeed.pipelines.augment.device_parameters import (
    COLUMNS,
    DeviceParameters,
    mix_columns,
    parameter_count,
)
from fitfeed.pipelines.batches.mix import Mixer
from fitfeed.schemas.errors import UsageError

LIST: list[Any] = [RandomResizedCrop(), RandomFlip("horizontal"), RandomBrightness(0.2)]
NUMBERS = np.array([5, 0, 17])
SIZES = np.array([[40, 50], [60, 30], [20, 20]])


def test_the_columns_are_sizes_parameters_and_mixtures() -> None:
    augment = [*LIST, MixUp(), CutMix()]
    parameters = DeviceParameters(augment, image_size=(32, 24), seed=3)
    assert parameters.on_cpu == LIST[:1]
    assert [place for place, _ in parameters.ops] == [1, 2]
    assert parameters.blends == [True, False]
    mixtures = Mixer([(3, MixUp()), (4, CutMix())], seed=3).sample(7, NUMBERS, size=(32, 24))
    columns = parameters.sample(7, NUMBERS, sizes=SIZES, mixtures=mixtures)
    own = [parameter_count(op) for op in LIST[1:]]
    assert columns.shape == (3, 2 + sum(own) + 2 * COLUMNS) == (3, parameters.columns)
    assert columns.dtype == np.float32
    assert columns[:, :2].tolist() == [[32, 24]] * 3  # the crop has made this size already
    drawn = Program(LIST, image_size=(32, 24), seed=3).sample(7, NUMBERS)
    expected = np.concatenate(
        [drawn[1], drawn[3]], axis=1
    )  # 2 is the resizing, which is inserted after the flip
    np.testing.assert_array_equal(columns[:, 2 : 2 + sum(own)], expected.astype(np.float32))
    np.testing.assert_array_equal(columns[:, 2 + sum(own) :], mix_columns(mixtures, 3))


def test_sizes_are_those_before_resizing() -> None:
    parameters = DeviceParameters([RandomRotation(0.1)], image_size=(32, 24), seed=0)
    assert parameters.on_cpu == []
    assert parameters.sample(0, NUMBERS, sizes=SIZES)[:, :2].tolist() == SIZES.tolist()
    cropped = DeviceParameters([RandomCrop(16, 12), RandomRotation(0.1)], image_size=None, seed=0)
    assert cropped.sample(0, NUMBERS, sizes=SIZES)[:, :2].tolist() == [[16, 12]] * 3


def test_an_example_has_the_same_parameters_in_any_batch() -> None:
    parameters = DeviceParameters(LIST, image_size=(32, 24), seed=1)
    whole = parameters.sample(2, NUMBERS, sizes=SIZES)
    np.testing.assert_array_equal(parameters.sample(2, NUMBERS[1:], sizes=SIZES[1:]), whole[1:])
    assert not np.array_equal(parameters.sample(3, NUMBERS, sizes=SIZES), whole)


def test_mixtures_without_boxes_have_empty_ones() -> None:
    (mixture,) = Mixer([(0, MixUp())], seed=0).sample(0, NUMBERS, size=(8, 8))
    columns = mix_columns([mixture], 3)
    np.testing.assert_array_equal(columns[:, 0], mixture.partner)
    np.testing.assert_array_equal(columns[:, 1], mixture.weight.astype(np.float32))
    assert not columns[:, 2:].any()
    assert mix_columns([], 3).shape == (3, 0)


def test_what_a_device_cannot_do_is_refused() -> None:
    with pytest.raises(UsageError, match=r"cannot run on a device. Received: augment\[1\]=AugMix"):
        DeviceParameters([RandomFlip(), AugMix()], image_size=None, seed=0)
