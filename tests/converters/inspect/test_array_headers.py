"""Serialized arrays are told by their header, and nothing else is taken for one."""

import io
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.converters.inspect.array_headers import ArrayHeader, npy_header, tensor_header

TYPES = [
    "uint8",
    "int8",
    "uint16",
    "int16",
    "int32",
    "uint32",
    "int64",
    "uint64",
    "float16",
    "float32",
    "float64",
    "bool",
]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 300), (1, 2, 3, 4)], ids=str)
def test_what_was_serialized(dtype: str, shape: tuple[int, ...]) -> None:
    values = np.ones(shape, dtype)
    assert tensor_header(tf.io.serialize_tensor(values).numpy()) == ArrayHeader(dtype, shape)
    assert npy_header(saved(values)) == ArrayHeader(dtype, shape)
    assert npy_header(saved(values.copy("F"))) == ArrayHeader(dtype, shape)


def saved(values: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, values, allow_pickle=True)
    return stream.getvalue()


@pytest.mark.parametrize(
    "values", [np.array([None]), np.zeros(2, [("a", "i4")]), np.zeros(2, ">f4"), np.array(["a"])], ids=str
)
def test_arrays_that_tensorflow_cannot_hold(values: Any) -> None:
    assert npy_header(saved(values)) is None


def test_tensors_of_strings_and_other_bytes_are_not_told() -> None:
    assert tensor_header(tf.io.serialize_tensor(["a", "b"]).numpy()) is None
    whole = tf.io.serialize_tensor(np.ones((3, 4), np.float32)).numpy()
    for end in range(len(whole)):
        assert tensor_header(whole[:end]) is None
    assert tensor_header(whole + b"x") is None


@given(
    st.binary(max_size=40),
    st.sampled_from([b"", b"\x08\x01\x12", b"\x08\x04\x12\x04\x12", b"\x93NUMPY\x01\0"]),
)
def test_any_bytes_are_an_array_or_not(data: bytes, start: bytes) -> None:
    for header in (tensor_header(start + data), npy_header(start + data)):
        assert header is None or header.dtype in [*TYPES, "bfloat16"]
