"""TensorFlow code that decodes one byte string: an image, raw pixels, a serialized tensor, a saved array."""

from collections.abc import Callable
from typing import NamedTuple

from fitfeed.converters.inspect.report import Content, ForeignFeature

DECODABLE = {"jpeg", "png", "gif", "bmp", "webp"}
"""Formats that `tf.io.decode_image` reads; WebP since TensorFlow 2.20."""


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
    if "webp" in content.formats and content.dtype == "uint8" and channels >= 3:
        call = f"tf.ensure_shape(decode_image({{}}, {channels}), {[height, width, channels]})"
        return Decoding(call, content.dtype, (height, width, channels), "decode_image")
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
    "decode_image": (
        [],
        [
            "def decode_image(data, channels):",
            "    version = tuple(map(int, tf.__version__.split('.')[:2]))",
            "    if version >= (2, 20):",
            "        return tf.io.decode_image(data, channels=channels, expand_animations=False)",
            "    if version >= (2, 18):",
            "        raise NotImplementedError(",
            "            f'TensorFlow {tf.__version__} does not decode WebP, and tensorflow-io does not load there. Update to TensorFlow '",
            "            '2.20 or later, or decode with Pillow in tf.numpy_function (docs/tensorflow-io.md of fitfeed shows it).'",
            "        )",
            "    import tensorflow_io as tfio  # pip install 'fitfeed[io]'",
            "",
            "    others = lambda: tf.io.decode_image(data, channels=channels, expand_animations=False)",
            "    webp = lambda: tfio.image.decode_webp(data)[..., :channels]",
            "    return tf.cond(tf.strings.substr(data, 8, 4) == 'WEBP', webp, others)",
        ],
    ),
    "load_array": (
        ["import io", "import numpy as np"],
        ["def load_array(data):", "    return np.load(io.BytesIO(data), allow_pickle=False)"],
    ),
}
"""Imports and source of functions that expressions call."""
