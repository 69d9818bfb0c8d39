"""Tensors in formulas of NumPy: each function that they take over, against NumPy in float64."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from fitfeed.pipelines.device.array import FUNCTIONS, UFUNCS, DeviceArray, over_pixels, tensor_of
from tests.effort import tries

finite = st.floats(-100, 100, width=32, allow_subnormal=False)  # devices take what is below for 0
numbers = st.lists(finite, min_size=6, max_size=6)
REAL = np.linspace(-3.7, 3.7, 12).reshape(4, 3)
POSITIVE = np.abs(REAL) + 0.25
WHOLE = np.array([[-7.0, 0, 2], [5, 255, -1]])
FLAGS = np.array([True, False, True])
ARGUMENTS: dict[str, Any] = {
    **dict.fromkeys(UFUNCS, (REAL,)),
    **dict.fromkeys(["log", "sqrt"], (POSITIVE,)),
    **dict.fromkeys(["add", "subtract", "multiply", "maximum", "minimum"], (REAL, REAL[::-1])),
    **dict.fromkeys(["greater", "greater_equal", "less", "less_equal"], (REAL, np.zeros(3))),
    **dict.fromkeys(["equal", "not_equal"], (WHOLE, np.array([5.0, 0, -1]))),
    **dict.fromkeys(["divide", "power"], (POSITIVE, REAL)),
    "floor_divide": (WHOLE, np.array([2.0, 3, 4])),
    "matmul": (REAL.T, np.stack([REAL, 2 * REAL])),
    "rint": (np.array([0.5, 1.5, -0.5, 2.4]),),
    "invert": (FLAGS,),
    "bitwise_and": (FLAGS, FLAGS[:, None]),
    "bitwise_or": (FLAGS, FLAGS[:, None]),
}


def device(value: Any) -> Any:
    return DeviceArray(tensor_of(value))


def numpy(value: Any) -> Any:
    assert isinstance(value, DeviceArray)
    return keras.ops.convert_to_numpy(value.tensor)


def assert_same(ours: Any, expected: Any) -> None:
    assert numpy(ours).shape == expected.shape
    assert numpy(ours).dtype == (bool if expected.dtype == bool else np.float32)
    np.testing.assert_allclose(numpy(ours), expected, rtol=2e-6, atol=2e-6)


# ---------------------------------------------------------------- functions of single numbers


@pytest.mark.parametrize("name", UFUNCS)
def test_arithmetic_is_numpys(name: str) -> None:
    arguments, function = ARGUMENTS[name], getattr(np, name)
    assert_same(function(*map(device, arguments)), function(*arguments))
    if len(arguments) == 2:  # an array of the host, on either side
        assert_same(function(device(arguments[0]), arguments[1]), function(*arguments))
        assert_same(function(arguments[0], device(arguments[1])), function(*arguments))


@settings(max_examples=tries(100))
@given(numbers, numbers)
def test_formulas_are_numpys(first: list[float], second: list[float]) -> None:
    def formula(a: Any, b: Any) -> Any:
        return np.where((a > b) & ~(a < 0), 2 * a - b / 4, np.clip(-b, -50, 50)) + abs(a) / 3

    a, b = np.array(first), np.array(second)
    np.testing.assert_allclose(numpy(formula(device(a), device(b))), formula(a, b), rtol=1e-5, atol=1e-3)


def test_products_of_matrices_keep_the_24_bits_of_float32() -> None:
    """The tensor cores of a GPU would round factors to 10 bits: here they would be 4096 and 1."""
    row, column = np.array([[4097.0, 1]]), np.array([[1.0], [0.0009765625]])
    assert numpy(device(row) @ device(column)).item() == 4097.0009765625 == (row @ column).item()


def test_flags_count_as_numbers() -> None:
    assert_same(device(FLAGS) * device(np.array([2.0, 3, 4])), np.array([2.0, 0, 4]))


# ---------------------------------------------------------------- functions and methods of arrays


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("clip", lambda a: np.clip(a, -1, 2)),
        ("clip", lambda a: np.clip(a, a[:1], np.array([1.0, 2, 3]))),
        ("concatenate", lambda a: np.concatenate([a, REAL[:1], a], axis=0)),
        ("concatenate", lambda a: np.concatenate([a, a[:, :1]], axis=1)),
        ("cumsum", lambda a: np.cumsum(a, axis=1)),
        ("ones_like", np.ones_like),
        ("zeros_like", np.zeros_like),
        ("stack", lambda a: np.stack([a, REAL, a], axis=-1)),
        ("where", lambda a: np.where(a > 0, a, 7.0)),
        ("where", lambda a: np.where(REAL > 0, a, a * 2)),
        ("take_along_axis", lambda a: np.take_along_axis(a[:, 0], np.array([3, 0, 0]) if isinstance(a, np.ndarray) else device([3, 0, 0]), 0)),
    ],
)  # fmt: skip
def test_functions_of_arrays_are_numpys(name: str, call: Any) -> None:
    assert name in FUNCTIONS
    assert_same(call(device(REAL)), call(REAL))


def test_every_function_has_its_case() -> None:
    assert set(ARGUMENTS) == set(UFUNCS)
    assert set(FUNCTIONS) == {"clip", "concatenate", "cumsum", "ones_like", "stack", "take_along_axis", "where", "zeros_like"}  # fmt: skip


@pytest.mark.parametrize("method", ["sum", "mean", "min", "max", "all", "any"])
@pytest.mark.parametrize("options", [{}, {"axis": 1}, {"axis": -2, "keepdims": True}, {"axis": -2}])
def test_reductions_are_numpys(method: str, options: Any) -> None:
    values: Any = np.random.default_rng(0).random((2, 7, 3))
    values = values > 0.3 if method in ("all", "any") else values
    expected = np.asarray(getattr(values, method)(**options))
    assert_same(getattr(device(values), method)(**options), expected)


def test_shapes_and_places_are_numpys() -> None:
    array = device(REAL)
    assert array.shape == (4, 3)
    assert_same(array.T, REAL.T)
    assert_same(array[1:3, None, -1], REAL[1:3, None, -1])
    assert_same(array[..., :2], REAL[..., :2])
    assert_same(array.reshape(2, None), REAL.reshape(2, -1))
    assert_same(array.clip(-1, 1), REAL.clip(-1, 1))
    assert_same(device(FLAGS).astype(np.int64), FLAGS.astype(np.float64))
    for row, expected in zip(array, REAL, strict=True):
        assert_same(row, expected)


@given(st.integers(1, 4), st.integers(1, 9), st.integers(1, 3), st.integers(0, 99))
def test_values_are_taken_along_pixels_as_by_numpy(images: int, count: int, channels: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    values, places = (
        random.random((images, count, channels)),
        random.integers(0, count, (images, 5, channels)),
    )
    taken = np.take_along_axis(device(values), device(places), axis=-2)
    assert_same(taken, np.take_along_axis(values, places, axis=-2))


def test_pixels_are_reduced_one_channel_at_a_time() -> None:
    values = np.random.default_rng(0).random((2, 7, 3))
    for keepdims in (False, True):
        ours = over_pixels(keras.ops.max, tensor_of(values), keepdims=keepdims)
        np.testing.assert_allclose(ours, values.max(axis=1, keepdims=keepdims), rtol=1e-6)


def test_a_side_may_be_known_to_the_running_program_only() -> None:
    shapes: list[Any] = []

    @tf.function(input_signature=[tf.TensorSpec((None, 3))])
    def traced(tensor: tf.Tensor) -> tf.Tensor:
        array = DeviceArray(tensor)
        shapes.append(array.shape)
        return tensor_of(np.stack([array, array], axis=1) @ np.eye(3))

    np.testing.assert_allclose(traced(tf.constant(REAL, tf.float32)), np.stack([REAL, REAL], 1), rtol=1e-6)
    assert shapes == [(None, 3)]


# ---------------------------------------------------------------- the host


def test_numbers_of_the_host_become_float32_or_flags() -> None:
    for value, dtype in [(3, "float32"), (np.arange(3), "float32"), (2.5, "float32"), (FLAGS, "bool")]:
        assert keras.backend.standardize_dtype(tensor_of(value).dtype) == dtype
    array = device(REAL)
    assert tensor_of(array) is array.tensor


def test_nothing_moves_to_the_host_unseen() -> None:
    array = device(REAL)
    message = r"uses a function of NumPy that runs on the CPU only; see fitfeed\.pipelines\.device\.array"
    with pytest.raises(TypeError, match=message):
        np.asarray(array)
    with pytest.raises(TypeError, match="arctan2"):
        np.arctan2(array, array)
    with pytest.raises(TypeError, match="median"):
        np.median(array)
    add: Any = np.add
    with pytest.raises(TypeError):
        add(array, 1, out=np.empty((4, 3)))
    with pytest.raises(TypeError):
        add.reduce(array)
