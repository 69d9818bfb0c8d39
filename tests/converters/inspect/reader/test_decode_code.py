"""Expressions that decode a byte string; `test_tfrecord_code` executes them."""

import pytest

from fitfeed.converters.inspect.reader.decode_code import decoding_of
from fitfeed.converters.inspect.reader.python_text import quoted
from fitfeed.converters.inspect.report import Content, ForeignFeature


def expression(**content: object) -> str | None:
    made = Content(**content)  # type: ignore[arg-type]
    decoding = decoding_of(ForeignFeature(name="x", role="feature", dtype="string", content=made), quoted)
    return None if decoding is None else decoding.expression


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"formats": ("jpeg",), "channels": 1}, "tf.io.decode_jpeg({}, channels=1)"),
        ({"formats": ("png",), "channels": 2}, "tf.io.decode_png({}, channels=0)"),
        ({"formats": ("gif",)}, "tf.io.decode_image({}, channels=3, expand_animations=False)"),
        (
            {"formats": ("jpeg", "png"), "channels": 3},
            "tf.io.decode_image({}, channels=3, expand_animations=False)",
        ),
        ({"formats": ("webp",)}, "tf.ensure_shape(decode_image({}, 3), [None, None, 3])"),
        (
            {"formats": ("png", "webp"), "channels": 4},
            "tf.ensure_shape(decode_image({}, 4), [None, None, 4])",
        ),
        ({"formats": ("png", "tiff")}, None),
    ],
    ids=str,
)
def test_images(content: dict[str, object], expected: str | None) -> None:
    assert expression(kind="image", dtype="uint8", **content) == expected


def test_pixels_take_their_sides_from_the_record() -> None:
    made = expression(kind="pixels", dtype="uint8", shape=(None, None), sides=("h", 'w"'))
    assert made == 'tf.reshape(tf.io.decode_raw({}, tf.uint8), [example["h"], example[\'w"\']])'
    assert expression(kind="pixels", dtype="uint8", shape=(2, 3), sides=("h", "w")) == (
        "tf.reshape(tf.io.decode_raw({}, tf.uint8), [2, 3])"
    )


def test_other_features_stay_as_they_are() -> None:
    assert decoding_of(ForeignFeature(name="x", role="feature", dtype="string"), quoted) is None
