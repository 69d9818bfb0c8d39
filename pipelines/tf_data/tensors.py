"""Turns the NumPy arrays of a batch into tensors, without a copy of what is large."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.arrays.types import ArraySpec
from fitfeed.pipelines.tf_data.batch_errors import errors_returned, no_batch, raise_returned
from fitfeed.pipelines.tf_data.py_function import refuse_at_exit

if TYPE_CHECKING:
    import tensorflow as tf

SHARED_DIMENSIONS = 4
"""Images and masks, (n, height, width, channels), are shared. They come from a `BufferPool`; copying the rest
takes less time than sharing it."""


def share(batch: npt.NDArray[Any]) -> "tf.Tensor":
    """Makes a tensor on an array's own memory.

    DLPack passes on the pointer: 1 ms for 77 MB, where `tf.numpy_function`, which copies, takes 65 ms.
    The tensor keeps the array alive. The array must not be written to any more.

    Args:
        batch: Array of any shape and type, C-contiguous, aligned to 64 bytes. (TensorFlow's kernels may
            crash or copy otherwise.)
    """
    import tensorflow as tf

    if batch.dtype.name == "bfloat16":  # this is not a type of NumPy, so NumPy cannot export it
        return tf.bitcast(share(batch.view(np.uint16)), tf.bfloat16)
    return tf.experimental.dlpack.from_dlpack(batch.__dlpack__())


def tensor_spec(spec: ArraySpec) -> "tf.TensorSpec":
    """Makes TensorFlow's description of an array: its static shape and its type."""
    import tensorflow as tf

    return tf.TensorSpec(spec.shape, tf.string if spec.dtype == object else tf.as_dtype(spec.dtype))


def call(
    function: Callable[..., Any],
    inputs: Sequence[Any],
    types: "Sequence[tf.DType]",
    *,
    shapes: Sequence[Any] = (),
) -> Any:
    """Calls a Python function in the graph. Its results become tensors.

    Args:
        function: Any function of tensors. It may be called until the interpreter exits.
        inputs: Tensors.
        types: Types of the results.
        shapes: Static shapes of the results, as far as they are known.
    """
    import tensorflow as tf

    refused = no_batch(["the interpreter is exiting"], types)
    returning = refuse_at_exit(errors_returned(function, types), refused=refused)
    results = raise_returned(tf.py_function(returning, inputs, [tf.string, *types]))
    for result, shape in zip(results, shapes, strict=False):
        result.set_shape(shape)
    return results


def tensors_of(
    make: Callable[[int, int], Mapping[str, npt.NDArray[Any]]],
    specs: Mapping[str, ArraySpec],
    epoch: "tf.Tensor",
    step: "tf.Tensor",
    *,
    finish: Callable[[int, int, int], None],
) -> "dict[str, tf.Tensor]":
    """Makes a batch of arrays in Python, and tensors of them.

    Args:
        make: `BatchMaker.make`, or what calls it.
        specs: `BatchMaker.specs`.
        epoch: int64 scalar.
        step: int64 scalar.
        finish: Is told epoch, step and number of examples of each batch that is made.

    Returns:
        Tensors by name, with the static shapes of `specs`.
    """
    import tensorflow as tf

    def load(epoch: "tf.Tensor", step: "tf.Tensor") -> list[Any]:
        arrays = list(make(int(epoch), int(step)).values())
        elements = [share(array) if array.ndim == SHARED_DIMENSIONS else array for array in arrays]
        finish(int(epoch), int(step), len(arrays[0]))
        return elements

    known = {name: tensor_spec(spec) for name, spec in specs.items()}
    tensors = call(load, [epoch, step], [spec.dtype for spec in known.values()])
    return {
        name: tf.ensure_shape(tensor, spec.shape)
        for (name, spec), tensor in zip(known.items(), tensors, strict=True)
    }
