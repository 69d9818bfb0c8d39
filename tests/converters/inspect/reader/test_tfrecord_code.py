"""Printed TensorFlow programs, executed over their whole file, against the values that were written."""

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from fitfeed.converters.inspect.tfrecord import inspect_tfrecord
from tests.converters.inspect.foreign import READS_WEBP, example, picture, sequence_example, write
from tests.converters.inspect.reader.programs import records_read, run

RANDOM = np.random.default_rng(0)


def png(pixels: Any, mode: str | None = None, colors: list[int] | None = None) -> bytes:
    stream = io.BytesIO()
    image = Image.fromarray(pixels)
    if mode == "P":
        image = Image.frombytes("P", pixels.shape[::-1], pixels.tobytes())
        image.putpalette(colors or list(range(256)) * 3)
    image.save(stream, "PNG")
    return stream.getvalue()


def pixels(*shape: int, dtype: Any = np.uint8) -> Any:
    return RANDOM.integers(0, np.iinfo(dtype).max + 1, shape, dtype)


def images_read(tmp_path: Path, encoded: list[bytes]) -> list[Any]:
    path = write(tmp_path / "a.tfrecord", [example(image=[one]) for one in encoded])
    return [record["image"] for record in records_read(path)]


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_png_of_16_bits(tmp_path: Path, channels: int) -> None:
    written = [pixels(6, 5 + i, channels, dtype=np.uint16) for i in range(4)]
    encoded = [
        cv2.imencode(".png", one[..., [2, 1, 0, 3][:channels]] if channels > 1 else one)[1] for one in written
    ]
    read = images_read(tmp_path, [one.tobytes() for one in encoded])
    for one, other in zip(read, written, strict=True):
        assert one.dtype == np.uint16
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("shape", [(6, 5), (6, 5, 2), (6, 5, 3), (6, 5, 4)], ids=str)
def test_png_keeps_its_channels(tmp_path: Path, shape: tuple[int, ...]) -> None:
    written = [pixels(*shape) for _ in range(40)]
    read = images_read(tmp_path, [png(one) for one in written])
    for one, other in zip(read, written, strict=True):
        np.testing.assert_array_equal(np.squeeze(one), other)


def test_palette_masks_stay_numbers(tmp_path: Path) -> None:
    written = [RANDOM.integers(0, 5, (6, 5 + i)).astype(np.uint8) for i in range(4)]
    read = images_read(tmp_path, [png(one, "P") for one in written])
    for one, other in zip(read, written, strict=True):
        np.testing.assert_array_equal(one[..., 0], other)


def test_kinds_of_png_together_keep_all_of_each(tmp_path: Path) -> None:
    gray, color, alpha = pixels(6, 5), pixels(6, 5, 3), pixels(6, 5, 4)
    read = images_read(tmp_path, [png(gray), png(color), png(alpha)])
    np.testing.assert_array_equal(read[0][..., 0], gray)
    np.testing.assert_array_equal(read[1][..., :3], color)
    np.testing.assert_array_equal(read[2], alpha)


@pytest.mark.parametrize("kind", ["JPEG", "GIF", "BMP", pytest.param("WEBP", marks=READS_WEBP)])
def test_other_formats_are_decoded(tmp_path: Path, kind: str) -> None:
    (read,) = images_read(tmp_path, [picture(kind)])
    expected = np.asarray(Image.open(io.BytesIO(picture(kind))).convert("RGB"))
    assert np.abs(read.astype(int) - expected).max() <= 4


@READS_WEBP
def test_webp_among_others(tmp_path: Path) -> None:
    photo, gray = picture("WEBP"), pixels(6, 5)
    read = images_read(tmp_path, [photo, png(gray)])
    assert np.abs(read[0].astype(int) - np.asarray(Image.open(io.BytesIO(photo)).convert("RGB"))).max() <= 4
    np.testing.assert_array_equal(read[1], np.repeat(gray[..., None], 3, axis=2))


def test_the_program_names_what_reads_webp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.tfrecord", [example(image=[picture("WEBP")])])
    names = run(inspect_tfrecord(path, "none").parser.partition("dataset = ")[0])
    for version in ("2.18.1", "2.19.0"):
        monkeypatch.setattr(tf, "__version__", version)
        with pytest.raises(
            NotImplementedError,
            match=rf"TensorFlow {version} does not decode WebP, .* Update to TensorFlow 2\.20 or later, or decode with Pillow",
        ):
            names["decode_image"](tf.constant(picture("WEBP")), 3)
    path = write(tmp_path / "b.tfrecord", [example(image=[picture("BMP")])])
    assert "WebP" not in inspect_tfrecord(path, "none").parser


def test_what_tensorflow_does_not_decode_stays_bytes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tfrecord", [example(image=[picture("TIFF")])])
    assert records_read(path)[0]["image"] == picture("TIFF")
    assert "TIFF, which TensorFlow does not decode" in inspect_tfrecord(path, "none").parser


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize(
    "names", [("height", "width", "depth"), ("image/rows", "image/cols", "image/channels"), "shape"]
)
@pytest.mark.parametrize("is_constant", [True, False])
def test_raw_pixels(tmp_path: Path, dtype: Any, names: Any, is_constant: bool) -> None:
    written = [RANDOM.integers(0, 255, (5, 6 + (0 if is_constant else i), 3)).astype(dtype) for i in range(4)]
    sizes = [
        {names: list(one.shape)}
        if names == "shape"
        else dict(zip(names, ([s] for s in one.shape), strict=True))
        for one in written
    ]
    records = [example(raw=[one.tobytes()], **size) for one, size in zip(written, sizes, strict=True)]
    read = records_read(write(tmp_path / "a.tfrecord", records))
    for one, other in zip(read, written, strict=True):
        assert one["raw"].dtype == dtype
        np.testing.assert_array_equal(one["raw"], other)


def test_bytes_that_only_once_fit_the_numbers_are_not_pixels(tmp_path: Path) -> None:
    records = [
        example(text=[b"123456"], height=[2], width=[3]),
        example(text=[b"12345"], height=[2], width=[3]),
    ]
    read = records_read(write(tmp_path / "a.tfrecord", records))
    assert [one["text"] for one in read] == [b"123456", b"12345"]


@pytest.mark.parametrize("dtype", ["uint8", "float32", "bool"])
@pytest.mark.parametrize("shapes", [[(3, 4)] * 3, [(3, 4), (5, 4)], [()], [(0, 3)]], ids=str)
@pytest.mark.parametrize("is_record", [True, False], ids=["record", "feature"])
def test_serialized_tensors(tmp_path: Path, dtype: str, shapes: list[Any], is_record: bool) -> None:
    written = [RANDOM.integers(0, 2, shape).astype(dtype) for shape in shapes]
    serialized = [tf.io.serialize_tensor(one).numpy() for one in written]
    records = serialized if is_record else [example(x=[one]) for one in serialized]
    read = records_read(write(tmp_path / "a.tfrecord", records))
    for one, other in zip(read, written, strict=True):
        value = one if is_record else one["x"]
        assert value.dtype == dtype
        np.testing.assert_array_equal(value, other)


def test_saved_arrays(tmp_path: Path) -> None:
    written = [pixels(3, 4 + i).astype(np.float32) for i in range(3)]
    streams = [io.BytesIO() for _ in written]
    for one, stream in zip(written, streams, strict=True):
        np.save(stream, one)
    read = records_read(write(tmp_path / "a.tfrecord", [example(x=[one.getvalue()]) for one in streams]))
    for one, other in zip(read, written, strict=True):
        np.testing.assert_array_equal(one["x"], other)


def test_images_as_whole_records(tmp_path: Path) -> None:
    written = [pixels(5, 6, 3) for _ in range(3)]
    read = records_read(write(tmp_path / "a.tfrecord", [png(one) for one in written]))
    np.testing.assert_array_equal(read, written)


@pytest.mark.slow
@pytest.mark.parametrize("empty", [b"", b"\n\0"])
def test_one_empty_example_among_a_thousand(tmp_path: Path, empty: bytes) -> None:
    written = pixels(5, 6, 3)
    records = [example(image=[png(written)], label=[i]) for i in range(999)]
    records.insert(500, empty)
    read = records_read(write(tmp_path / "a.tfrecord", records))
    assert [one["label"] for one in read] == list(range(999))
    np.testing.assert_array_equal(read[998]["image"], written)


def test_features_of_many_lengths_make_ragged_batches(tmp_path: Path) -> None:
    records = [example(boxes=[float(j) for j in range(4 * (i % 3))], score=[float(i)]) for i in range(70)]
    path = write(tmp_path / "a.tfrecord", records)
    assert [len(one["boxes"]) for one in records_read(path)] == [4 * (i % 3) for i in range(70)]
    names = run(inspect_tfrecord(path, "none").parser)
    batch = next(iter(names["batches"]))
    assert batch["boxes"].row_lengths().numpy().tolist() == [4 * (i % 3) for i in range(32)]


@pytest.mark.parametrize("is_constant", [True, False])
def test_lists_of_images(tmp_path: Path, is_constant: bool) -> None:
    written = [[pixels(4 + (0 if is_constant else j), 5, 3) for j in range(i % 3)] for i in range(5)]
    records = [example(frames=[png(one) for one in frames], label=[1]) for frames in written]
    read = records_read(write(tmp_path / "a.tfrecord", records))
    for one, frames in zip(read, written, strict=True):
        assert len(one["frames"]) == len(frames)
        for frame, other in zip(one["frames"], frames, strict=True):
            np.testing.assert_array_equal(frame, other)


@pytest.mark.parametrize("is_constant", [True, False])
def test_frames_of_sequence_examples(tmp_path: Path, is_constant: bool) -> None:
    written = [[pixels(4 + (0 if is_constant else j), 5, 3) for j in range(1 + i % 3)] for i in range(5)]
    records = [
        sequence_example(
            {"id": [i], "cover": [png(frames[0])]},
            {"frame": [[png(one)] for one in frames], "box": [[1.0] * j for j in range(len(frames))]},
        )
        for i, frames in enumerate(written)
    ]
    read = records_read(write(tmp_path / "a.tfrecord", records))
    for (context, sequence), frames in zip(read, written, strict=True):
        np.testing.assert_array_equal(context["cover"], frames[0])
        assert [len(one) for one in sequence["box"]] == list(range(len(frames)))
        for frame, other in zip(sequence["frame"], frames, strict=True):
            np.testing.assert_array_equal(frame, other)


def test_an_image_that_some_records_lack(tmp_path: Path) -> None:
    written = pixels(5, 6, 3)
    records = [example(image=[png(written)], label=[0]), example(label=[1])]
    read = records_read(write(tmp_path / "a.tfrecord", records))
    np.testing.assert_array_equal(read[0]["image"], [written])
    assert len(read[1]["image"]) == 0


@pytest.mark.parametrize("others", [{}, {"größe": [b"x"], "a": [2]}])
def test_names_that_are_not_utf8(tmp_path: Path, others: dict[str, Any]) -> None:
    entry = b"\n\x0e\n\x05gr\xf6\xdfe\x12\x05\x1a\x03\n\x01\x07"
    record = b"\n" + bytes([len(entry)]) + entry + example(**others)
    (read,) = records_read(write(tmp_path / "a.tfrecord", [record]))
    assert read[b"gr\xf6\xdfe"] == 7
    assert len(read) == 1 + len(others)


def test_more_features_than_are_listed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tfrecord", [example(**{f"f{i}": [i] for i in range(1200)}), example(x=[b"y"])])
    names = run(inspect_tfrecord(path, "none").parser)
    first, second = names["examples"]
    assert first == {f"f{i}": [i] for i in range(1200)}
    assert second == {"x": [b"y"]}


def test_what_cannot_be_parsed_is_a_comment(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tfrecord", [example(a=[1], odd=[1]), example(a=[1], odd=[b"1"])])
    assert '# "odd": has values of several types (int64, string)' in inspect_tfrecord(path, "none").parser
    assert [record.keys() for record in records_read(path)] == [{"a"}, {"a"}]


def test_nothing_in_a_name_becomes_code(tmp_path: Path) -> None:
    name = '"] = 1\nimport os {} {0} <height> %s \\'
    path = write(tmp_path / 'q"{}.tfrecord', [example(**{name: [picture("PNG")], "height": [1]})])
    assert records_read(path)[0][name].shape == (8, 8, 3)
