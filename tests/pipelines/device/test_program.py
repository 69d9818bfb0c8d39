"""A list of augmentations on a device: what is sampled, which columns are whose, and what a batch may be."""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from fitfeed.pipelines import (  # fmt: skip
    Augmentation,
    AugMix,
    CenterCrop,
    RandomBrightness,
    RandomErasing,
    RandomFlip,
    RandomRotation,
)
from fitfeed.pipelines.device.array import DeviceArray
from fitfeed.pipelines.device.program import DeviceProgram, check_batch
from fitfeed.schemas.errors import UsageError
from tests.pipelines.build_dataset import picture

OPS: list[Augmentation] = [RandomFlip(), CenterCrop(8, 8), RandomBrightness(0.4), RandomErasing()]
IMAGES = np.stack([picture(i, 12, 10) for i in range(5)])


def program(ops: list[Augmentation] = OPS, **options: Any) -> DeviceProgram:
    return DeviceProgram(list(enumerate(ops)), **options)


def floats(values: Any) -> npt.NDArray[np.float32]:
    return np.array(values, np.float32)


def numpy(tensor: Any) -> Any:
    return keras.ops.convert_to_numpy(tensor)


def uniforms(count: int) -> Any:
    return np.random.default_rng(0).random((count, program().draws)).astype(np.float32)


def test_draws_and_columns_are_those_of_all_operations() -> None:
    assert program().draws == sum(op.draws for op in OPS) == 2 + 0 + 1 + RandomErasing.draws
    assert program().columns == sum(op.sample(np.empty((0, op.draws))).shape[1] for op in OPS)
    assert (program([]).draws, program([]).columns) == (0, 0)


def test_each_operation_is_sampled_from_its_own_draws() -> None:
    drawn, first = uniforms(6), 0
    for op, ours in zip(OPS, program().sample_on_device(drawn), strict=True):
        own = drawn[:, first : first + op.draws].astype(np.float64)
        np.testing.assert_allclose(numpy(ours.tensor), op.sample(own), rtol=1e-5, atol=1e-5)
        first += op.draws


def test_columns_are_separated_by_operation() -> None:
    columns = np.arange(6 * program().columns, dtype=np.float32).reshape(6, -1)
    parts = [numpy(part.tensor) for part in program().separate(columns)]
    assert [part.shape[1] for part in parts] == [op.sample(np.empty((0, op.draws))).shape[1] for op in OPS]
    assert np.array_equal(np.concatenate(parts, axis=1), columns)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "int32"])
def test_operations_follow_each_other(dtype: str) -> None:
    parameters = [[0, 1], [], [20.0]]
    own = [DeviceArray(keras.ops.convert_to_tensor(np.tile(floats(row), (5, 1)))) for row in parameters]
    ours = numpy(program(OPS[:3]).apply(IMAGES.astype(dtype), own))
    assert ours.dtype == np.float32
    assert np.array_equal(ours, np.clip(IMAGES[:, 2:10, ::-1][:, :, 1:9] + 20.0, 0, 255))


def test_an_image_does_not_depend_on_the_others_of_its_batch() -> None:
    drawn = uniforms(5)
    whole = numpy(program().apply(IMAGES, program().sample_on_device(drawn)))
    part = numpy(program().apply(IMAGES[2:4], program().sample_on_device(drawn[2:4])))
    assert np.array_equal(part, whole[2:4])
    assert np.array_equal(numpy(program().apply(IMAGES, program().sample_on_device(drawn))), whole)


def test_the_size_of_a_crop_without_one_is_that_of_the_program() -> None:
    own = [DeviceArray(keras.ops.zeros((5, 0)))]
    assert program([CenterCrop()], image_size=(6, 8)).apply(IMAGES, own).shape == (5, 6, 8, 3)


def test_sizes_before_resizing_decide_what_a_turn_is() -> None:
    """An image of 12 x 10 that was 10 x 10 is no rectangle when it turns."""
    turn = program([RandomRotation(1.0)])
    own = [DeviceArray(keras.ops.convert_to_tensor(floats([[0.25]] * 5)))]
    square = np.tile(floats([10, 10]), (5, 1))
    assert not np.array_equal(numpy(turn.apply(IMAGES, own, sizes=square)), numpy(turn.apply(IMAGES, own)))
    same = np.tile(floats([12, 10]), (5, 1))
    assert np.array_equal(numpy(turn.apply(IMAGES, own, sizes=same)), numpy(turn.apply(IMAGES, own)))


def test_only_the_number_of_images_may_be_unknown() -> None:
    check_batch((None, 12, 10, 3))
    check_batch((5, 12, 10, 1))
    message = r"batches of images \(n, height, width, 1 or 3\), where only n may be unknown\. Received: "
    for shape in [(12, 10, 3), (5, None, 10, 3), (5, 12, None, 3), (5, 12, 10, None), (5, 12, 10, 4), (5, 5, 12, 10, 3)]:  # fmt: skip
        with pytest.raises(UsageError, match=message) as caught:
            check_batch(shape)
        assert str(caught.value).endswith(f"Received: {shape}.")
    with pytest.raises(UsageError, match=message):
        program().apply(IMAGES[0], [])
    traced = tf.function(lambda batch: program([]).apply(batch, []), input_signature=[tf.TensorSpec((None, 12, 10, 3), tf.uint8)])  # fmt: skip
    assert np.array_equal(traced(IMAGES), IMAGES)


def test_what_cannot_run_on_a_device_is_refused_with_its_place() -> None:
    with pytest.raises(UsageError, match=r"cannot run on a device\. Received: augment\[3\]=AugMix"):
        DeviceProgram([(1, RandomFlip()), (3, AugMix())])
