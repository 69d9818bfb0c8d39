"""TensorFlow code that decodes one byte string: an image, raw pixels, a serialized tensor, a saved array."""

from collections.abc import Callable
from typing import NamedTuple

from fitfeed.converters.inspect.report import Content, ForeignFeature

DECODABLE = {"jpeg", "png", "gif", "bmp", "webp"}
"""Formats that `tf.io.decode_image` of TensorFlow 2.21 reads."""


class Decoding(NamedTuple):
    """How a byte string is decoded.

    Attributes:
        expression: Python, in which the first `{}` is the byte string.
        dtype: Of the result.
        shape: Of the result; None for a side that differs.
        helper: The name of a function of `HELPERS` that the expression calls; None if it calls none.
    """

    expression: str
    dtype: str
    shape: tuple[int | None, ...]
    helper: str | None = None


def decoding_of(feature: ForeignFeature, literal: Callable[[str], str]) -> Decoding | None:
    """How the byte strings of a feature are decoded; None if they stay bytes.

    Args:
        feature: The feature.
        literal: Python for the name of a feature.
    """
    content = feature.content
    if content is None or feature.dtype != "string":
        return None
    if content.kind == "image":
        return _image(content)
    if content.kind == "pixels":
        return _pixels(content, literal)
    shape = content.shape or ()
    if content.kind == "tensor":
        call = f"tf.io.parse_tensor({{}}, tf.{content.dtype})"
        return Decoding(f"tf.ensure_shape({call}, {list(shape)})", content.dtype, shape)
    call = f"tf.numpy_function(load_array, [{{}}], tf.{content.dtype})"
    return Decoding(f"tf.ensure_shape({call}, {list(shape)})", content.dtype, shape, "load_array")


def _image(content: Content) -> Decoding | None:
    if not set(content.formats) <= DECODABLE:
        return None
    channels, shape = content.channels or 3, content.shape or (None, None, None)
    height, width = shape[0], shape[1]
    if content.is_palette:
        call = "tf.numpy_function(palette_numbers, [{}], tf.uint8)"
        shape = (height, width, 1)
        return Decoding(f"tf.ensure_shape({call}, {list(shape)})", "uint8", shape, "palette_numbers")
    # 0 is as many as there are: TensorFlow has no number for gray with alpha.
    options = f"channels={0 if channels == 2 else channels}"
    if content.dtype == "uint16":
        options += ", dtype=tf.uint16"
    decode = {"jpeg": "decode_jpeg", "png": "decode_png"}.get("+".join(content.formats))
    if decode is None:
        decode, options = "decode_image", f"{options}, expand_animations=False"
    return Decoding(f"tf.io.{decode}({{}}, {options})", content.dtype, (height, width, channels))


def _pixels(content: Content, literal: Callable[[str], str]) -> Decoding:
    shape = content.shape or ()
    sides = [f"example[{literal(side)}]" for side in content.sides]
    measured = sides[0] if len(sides) == 1 else f"[{', '.join(sides)}]"
    size = measured if None in shape else str(list(shape))
    return Decoding(f"tf.reshape(tf.io.decode_raw({{}}, tf.{content.dtype}), {size})", content.dtype, shape)


HELPERS = {
    "palette_numbers": (
        ["import io", "import numpy as np", "from PIL import Image"],
        [
            "def palette_numbers(png):",
            "    # The numbers of the pixels, such as classes of a mask. decode_png would give the palette's colors.",
            "    return np.asarray(Image.open(io.BytesIO(png)))[..., None]",
        ],
    ),
    "load_array": (
        ["import io", "import numpy as np"],
        ["def load_array(data):", "    return np.load(io.BytesIO(data), allow_pickle=False)"],
    ),
}
"""Imports and source of functions that expressions call."""
