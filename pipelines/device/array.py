"""Tensors of a device that functions of NumPy accept, so that one formula is right for both executors.

The formulas of sampling and of matrices are written once, in NumPy. NumPy lets other arrays take over
its functions (NEP 13 and NEP 18); these pass them to `keras.ops`. Numbers are float32 for any precision
of the model: coordinates need its 24 bits.
"""

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from keras import ops

from fitfeed.pipelines.device.backend import INDEX, gather


class DeviceArray(np.lib.mixins.NDArrayOperatorsMixin):
    """A tensor of float32 or bool that behaves as a NumPy array, as far as augmentations need it.

    Integers are whole float32 numbers. They are exact to 2**24, and never move to the host.

    Attributes:
        tensor: The tensor of the backend, of any shape.
    """

    def __init__(self, tensor: Any) -> None:
        """Wraps a tensor."""
        self.tensor = tensor

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The shape. A side is None if only the running program knows it."""
        return tuple(self.tensor.shape)

    @property
    def T(self) -> "DeviceArray":  # noqa: N802  NumPy's name
        """The axes in reverse order."""
        return DeviceArray(ops.transpose(self.tensor))

    def __getitem__(self, key: Any) -> "DeviceArray":
        """Indexes by integers, slices, None and Ellipsis."""
        return DeviceArray(self.tensor[key])

    def __iter__(self) -> Iterator["DeviceArray"]:
        """Iterates over the first axis, whose length must be known."""
        return (self[i] for i in range(self.tensor.shape[0]))

    def astype(self, dtype: Any) -> "DeviceArray":
        """Casts to float32, whatever the type; numbers stay as they are."""
        return DeviceArray(ops.cast(self.tensor, "float32"))

    def reshape(self, *shape: Any) -> "DeviceArray":
        """Reshapes as NumPy. None is a length that follows from the others."""
        return DeviceArray(ops.reshape(self.tensor, [-1 if side is None else side for side in shape]))

    def clip(self, low: float, high: float) -> "DeviceArray":
        """Clips, as NumPy."""
        return DeviceArray(ops.clip(self.tensor, low, high))

    def sum(self, axis: Any = None, keepdims: bool = False) -> "DeviceArray":
        """Sums, as NumPy."""
        return DeviceArray(ops.sum(self.tensor, axis=axis, keepdims=keepdims))

    def mean(self, axis: Any = None, keepdims: bool = False) -> "DeviceArray":
        """Averages, as NumPy."""
        return DeviceArray(_reduced(ops.mean, self.tensor, axis, keepdims=keepdims))

    def min(self, axis: Any = None, keepdims: bool = False) -> "DeviceArray":
        """Takes the minimum, as NumPy."""
        return DeviceArray(_reduced(ops.min, self.tensor, axis, keepdims=keepdims))

    def max(self, axis: Any = None, keepdims: bool = False) -> "DeviceArray":
        """Takes the maximum, as NumPy."""
        return DeviceArray(_reduced(ops.max, self.tensor, axis, keepdims=keepdims))

    def all(self, axis: Any = None, keepdims: bool = False) -> "DeviceArray":
        """Reduces by and, as NumPy."""
        return DeviceArray(ops.all(self.tensor, axis=axis, keepdims=keepdims))

    def any(self, axis: Any = None, keepdims: bool = False) -> "DeviceArray":
        """Reduces by or, as NumPy."""
        return DeviceArray(ops.any(self.tensor, axis=axis, keepdims=keepdims))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """Refuses, as a function of NumPy without a hook must not quietly move tensors to the host.

        Raises:
            TypeError: Always.
        """
        msg = "a formula of an augmentation uses a function of NumPy that runs on the CPU only; see fitfeed.pipelines.device.array"
        raise TypeError(msg)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Takes over arithmetic; see NEP 13."""
        function = UFUNCS.get(ufunc.__name__)
        if function is None or method != "__call__" or options:
            return NotImplemented
        return DeviceArray(function(*map(tensor_of, inputs)))

    def __array_function__(
        self, function: Any, types: Any, arguments: Sequence[Any], options: dict[str, Any]
    ) -> Any:
        """Takes over functions of arrays; see NEP 18."""
        own = FUNCTIONS.get(function.__name__)
        return NotImplemented if own is None else DeviceArray(own(*arguments, **options))


def tensor_of(value: Any) -> Any:
    """Returns the tensor of a device array; makes one of float32 or bool from a NumPy array or a number."""
    if isinstance(value, DeviceArray):
        return value.tensor
    array = np.asarray(value)
    return ops.convert_to_tensor(array if array.dtype == bool else array.astype(np.float32))


def over_pixels(reduce: Callable[..., Any], tensor: Any, *, keepdims: bool = False) -> Any:
    """Reduces (n, pixels, channels) to (n, channels), or (n, 1, channels), one channel at a time.

    If channels are next to each other in memory, XLA lets few threads reduce each, and these also
    compute what comes before. 128 images of six operations took 7.3 ms on an H100, and take 0.24 so.
    """
    channels = [reduce(tensor[..., k], axis=-1, keepdims=keepdims) for k in range(tensor.shape[-1])]
    return ops.stack(channels, axis=-1)


def _reduced(reduce: Callable[..., Any], tensor: Any, axis: Any, *, keepdims: bool) -> Any:
    if axis == -2 and len(tensor.shape) == 3:
        return over_pixels(reduce, tensor, keepdims=keepdims)
    return reduce(tensor, axis=axis, keepdims=keepdims)


def _matmul(a: Any, b: Any) -> Any:
    # The matrix product of a GPU or TPU rounds float32 to 10 bits or fewer, unless told otherwise. For
    # coordinates that is a shift by a tenth of a pixel. So the product is a sum here.
    return ops.sum(a[..., :, :, None] * b[..., None, :, :], axis=-2)


def _where(condition: Any, this: Any, other: Any) -> Any:
    return ops.where(tensor_of(condition), tensor_of(this), tensor_of(other))


def _stack(arrays: Sequence[Any], axis: int = 0) -> Any:
    return ops.stack([tensor_of(array) for array in arrays], axis=axis)


def _concatenate(arrays: Sequence[Any], axis: int = 0) -> Any:
    return ops.concatenate([tensor_of(array) for array in arrays], axis=axis)


def _take_along_axis(array: Any, indices: DeviceArray, axis: int) -> Any:
    """Takes values along axis 0 of arrays (n,), or along axis -2 of (n, values, C) by indices (n, m, C)."""
    tensor, place = tensor_of(array), ops.cast(indices.tensor, INDEX)
    if axis == -2:
        values, channels = tensor.shape[1:]
        image = ops.reshape(ops.arange(ops.shape(tensor)[0], dtype=INDEX), (-1, 1, 1))
        place = (image * values + place) * channels + ops.arange(channels, dtype=INDEX)
        tensor = ops.reshape(tensor, (-1,))
    return gather(tensor, place)


UFUNCS: dict[str, Callable[..., Any]] = {
    "absolute": ops.absolute,
    "add": operator.add,  # `ops.add` takes (1, 3) and (3, 1) for a layer and its bias
    "bitwise_and": ops.logical_and,
    "bitwise_or": ops.logical_or,
    "cos": ops.cos,
    "divide": ops.divide,
    "deg2rad": lambda x: x * np.float32(np.pi / 180),
    "equal": ops.equal,
    "exp": ops.exp,
    "floor": ops.floor,
    "floor_divide": lambda a, b: ops.floor(a / b),
    "greater": ops.greater,
    "greater_equal": ops.greater_equal,
    "invert": ops.logical_not,
    "less": ops.less,
    "less_equal": ops.less_equal,
    "log": ops.log,
    "matmul": _matmul,
    "maximum": ops.maximum,
    "minimum": ops.minimum,
    "multiply": lambda a, b: ops.multiply(_number(a), _number(b)),
    "negative": ops.negative,
    "not_equal": ops.not_equal,
    "power": ops.power,
    "rint": ops.round,
    "sin": ops.sin,
    "sqrt": ops.sqrt,
    "subtract": ops.subtract,
    "trunc": ops.trunc,
}
"""Functions of single numbers, by their names in NumPy."""

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "clip": lambda array, low, high: ops.minimum(
        ops.maximum(tensor_of(array), tensor_of(low)), tensor_of(high)
    ),
    "concatenate": _concatenate,
    "cumsum": lambda array, axis: ops.cumsum(array.tensor, axis=axis),
    "ones_like": lambda array: ops.ones_like(array.tensor),
    "stack": _stack,
    "take_along_axis": _take_along_axis,
    "where": _where,
    "zeros_like": lambda array: ops.zeros_like(array.tensor),
}
"""Functions of arrays, by their names in NumPy."""


def _number(tensor: Any) -> Any:
    return ops.cast(tensor, "float32")
