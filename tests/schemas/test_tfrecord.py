"""Our TFRecord bytes against TensorFlow's."""

import io
from pathlib import Path

import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.schemas.tfrecord import CorruptRecordError, encode_example, frame, iter_records


@given(st.binary(max_size=300), st.binary(max_size=40), st.integers(-(2**63), 2**63 - 1))
def test_example_is_what_tensorflow_parses(image: bytes, key: bytes, label: int) -> None:
    message, offsets = encode_example(image, {"key": key, "label": label})
    offset = offsets["image"]
    assert message[offsets["key"] :].startswith(key)
    assert message[offset : offset + len(image)] == image
    example = tf.train.Example.FromString(message)
    assert example.features.feature["image"].bytes_list.value == [image]
    assert example.features.feature["key"].bytes_list.value == [key]
    assert example.features.feature["label"].int64_list.value == [label]
    assert len(example.features.feature) == 3


def test_framing_is_what_tensorflow_writes_and_reads(tmp_path: Path) -> None:
    records = [b"", b"a", b"x" * 5000]
    theirs = tmp_path / "theirs"
    with tf.io.TFRecordWriter(str(theirs)) as writer:
        for record in records:
            writer.write(record)
    ours = b"".join(before + record + after for record in records for before, after in [frame(record)])
    assert ours == theirs.read_bytes()
    assert [data for _, data in iter_records(io.BytesIO(ours))] == records


@given(st.integers(0, 8 * (3 * 16 + 9) - 1))
def test_every_bit_flip_is_found(bit: int) -> None:
    records = [b"abc", b"def", b"ghi"]
    good = b"".join(before + record + after for record in records for before, after in [frame(record)])
    damaged = bytearray(good)
    damaged[bit // 8] ^= 1 << bit % 8
    with pytest.raises(CorruptRecordError) as caught:
        list(iter_records(io.BytesIO(bytes(damaged))))
    assert caught.value.offset == bit // 8 // 19 * 19


@pytest.mark.parametrize("length", range(1, 20))
def test_truncation_is_found(length: int) -> None:
    before, after = frame(b"abcd")
    with pytest.raises(CorruptRecordError, match="ends inside"):
        list(iter_records(io.BytesIO((before + b"abcd" + after)[:length])))


@given(
    st.binary(max_size=20),
    st.floats(width=32, allow_nan=False),
    st.lists(st.integers(-(2**63), 2**63 - 1), max_size=4),
    st.binary(max_size=200),
)
def test_labels_of_every_kind_are_what_tensorflow_parses(
    image: bytes, number: float, numbers: list[int], mask: bytes
) -> None:
    message, offsets = encode_example(image, {"size": number, "tags": numbers, "région": mask})
    assert set(offsets) == {"image", "région"}
    assert message[offsets["région"] : offsets["région"] + len(mask)] == mask
    assert message[offsets["image"] :] == image
    feature = tf.train.Example.FromString(message).features.feature
    assert list(feature["size"].float_list.value) == [number]
    assert list(feature["tags"].int64_list.value) == numbers
    assert list(feature["région"].bytes_list.value) == [mask]
    features = {"tags": tf.io.RaggedFeature(tf.int64), "size": tf.io.FixedLenFeature([], tf.float32)}
    assert tf.io.parse_single_example(message, features)["tags"].numpy().tolist() == numbers
