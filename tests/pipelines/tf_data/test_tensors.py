"""Tensors of arrays: shared where it pays, with static shapes."""

from typing import Any

import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf

from fitfeed.pipelines.arrays.buffer_pool import BufferPool
from fitfeed.pipelines.arrays.types import ArraySpec
from fitfeed.pipelines.tf_data.tensors import share, tensor_spec, tensors_of


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32, ml_dtypes.bfloat16])
def test_a_shared_tensor_lies_in_the_memory_of_its_array(dtype: Any) -> None:
    array = BufferPool((4, 8, 8, 3), dtype).take(3)
    array[:] = np.arange(array.size).reshape(array.shape) % 200
    tensor = share(array)
    assert (tensor.dtype, tensor.shape) == (tf.as_dtype(array.dtype), array.shape)
    assert np.array_equal(tensor.numpy(), array)
    array[0] = 7  # nobody may do that, but it shows that there is no copy
    assert (tf.cast(tensor[0], tf.float32).numpy() == 7).all()


def test_memory_is_not_used_again_while_a_tensor_has_it() -> None:
    pool = BufferPool((2, 4, 4, 3), np.uint8)
    array = pool.take(2)
    array[:] = 5
    tensor = share(array)
    del array
    pool.take(2)[:] = 9
    assert (tensor.numpy() == 5).all()


def test_specs_are_those_of_tensorflow() -> None:
    expected = tf.TensorSpec((None, 3), tf.bfloat16)
    assert tensor_spec(ArraySpec((None, 3), np.dtype(ml_dtypes.bfloat16))) == expected
    assert tensor_spec(ArraySpec((7,), np.dtype(object))) == tf.TensorSpec((7,), tf.string)


def test_a_batch_of_arrays_becomes_a_batch_of_tensors() -> None:
    specs = {
        "image": ArraySpec((2, 4, 4, 3), np.dtype(np.uint8)),
        "label": ArraySpec((None,), np.dtype(np.int64)),
        "note": ArraySpec((2,), np.dtype(object)),
    }
    images = BufferPool((2, 4, 4, 3), np.uint8)

    def make(epoch: int, step: int) -> dict[str, Any]:
        image = images.take(2)
        image[:] = step
        return {"image": image, "label": np.array([epoch, step]), "note": np.array(["ä\0", ""], object)}

    plain = tf.autograph.experimental.do_not_convert
    batches = tf.data.Dataset.range(2).map(
        plain(lambda step: tensors_of(make, specs, tf.constant(3, tf.int64), step, finish=lambda *_: None))
    )
    assert {name: spec.shape.as_list() for name, spec in batches.element_spec.items()} == {
        "image": [2, 4, 4, 3],
        "label": [None],
        "note": [2],
    }
    for step, batch in enumerate(batches):
        assert (batch["image"].numpy() == step).all()
        assert batch["label"].numpy().tolist() == [3, step]
        assert batch["note"].numpy().tolist() == ["ä\0".encode(), b""]


def test_an_array_that_is_not_as_its_spec_says_is_an_error() -> None:
    specs = {"label": ArraySpec((2,), np.dtype(np.int64))}
    plain = tf.autograph.experimental.do_not_convert
    zero = np.int64(0)
    batches = tf.data.Dataset.range(1).map(
        plain(
            lambda _: tensors_of(
                lambda *_: {"label": np.arange(3)}, specs, zero, zero, finish=lambda *_: None
            )
        )
    )
    with pytest.raises(tf.errors.InvalidArgumentError):
        list(batches)
