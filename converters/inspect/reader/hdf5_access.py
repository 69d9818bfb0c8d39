"""How one example of an HDF5 data set is read: by an index, or by a function."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from fitfeed.converters.inspect.reader.python_text import quoted
from fitfeed.converters.inspect.report import ForeignFeature

CHANNELS = (1, 3, 4)
MIN_SIDE = 5
"""A side of an image is longer than the number of channels."""


class Access(NamedTuple):
    """How one example is read.

    Attributes:
        comment: For after the line that opens the data set.
        function: Statements of a function that reads one example; empty if an index is enough.
        argument: Of the function: `i`, or none.
        helpers: Functions that it calls.
    """

    comment: str = ""
    function: Sequence[str] = ()
    argument: str = ""
    helpers: frozenset[str] = frozenset()


def access_of(
    feature: ForeignFeature,
    variable: str,
    variables: Mapping[str, str],
    *,
    is_matlab: bool,
) -> Access:
    """How one example of a data set is read.

    Args:
        feature: The data set, or many that are alike.
        variable: Its name in the program.
        variables: The names of all data sets, by their paths.
        is_matlab: Whether the file is one of MATLAB 7.3.
    """
    if feature.count > 1:
        return _family(feature)
    if 0 in feature.shape:
        return Access("has no value yet")
    if is_matlab:
        return _matlab(feature, variable)
    if feature.content is not None and feature.content.kind == "image":
        return _images(feature, variable, variables)
    if not feature.shape:
        return Access() if feature.note == "has no value" else Access(f"{variable}[()] reads it")
    if _is_channels_first(feature.shape):
        function = [f"return {variable}[i].transpose(1, 2, 0)  # from (channels, height, width)"]
        return Access(f"channels first; read_{variable}(0) reads one", function, "i")
    return Access(f"{variable}[0] reads one")


def _family(feature: ForeignFeature) -> Access:
    parts = [
        quoted(".*".join(map(re.escape, part.split("*")))) for part in feature.name.strip("/").split("/")
    ]
    value, helpers = "one[()]", {"each"}
    if feature.content is not None and feature.content.kind == "image":
        decode = _decoder(feature)
        value, helpers = f"{decode}({_bytes_of(feature, value)})", {"each", decode}
    lines = [f"for one in each(file, {', '.join(parts)}):", f"    yield one.name, {value}"]
    if feature.attributes:
        lines[0:0] = [f"# attributes of each: {', '.join(map(ascii, feature.attributes))}, in one.attrs"]
    return Access("", lines, "", frozenset(helpers))


def _matlab(feature: ForeignFeature, variable: str) -> Access:
    helpers = frozenset({"matlab_value"})
    if feature.dtype == "reference":
        function = [f"return [matlab_value(file[cell]) for cell in {variable}[()].T.ravel()]"]
        return Access(f"cells; read_{variable}() reads all", function, "", helpers)
    shape = feature.shape
    if len(shape) < 3 or feature.attributes.get("MATLAB_class") == "char":
        return Access(f"read_{variable}() reads all", [f"return matlab_value({variable})"], "", helpers)
    first, last = shape[0], shape[-1]
    is_last = first in CHANNELS and last not in CHANNELS
    index = f"{variable}[..., i].T" if is_last else f"{variable}[i].T"
    return Access(f"axes are reversed; read_{variable}(0) reads one", [f"return {index}"], "i")


def _images(feature: ForeignFeature, variable: str, variables: Mapping[str, str]) -> Access:
    decode = _decoder(feature)
    helpers = frozenset({decode})
    kinds = ", ".join(feature.content.formats).upper() if feature.content else ""
    if not feature.shape:
        call = f"return {decode}({_bytes_of(feature, f'{variable}[()]')})"
        return Access(f"{kinds}; read_{variable}() decodes it", [call], "", helpers)
    if feature.dtype not in ("uint8", "int8"):
        call = f"return {decode}({_bytes_of(feature, f'{variable}[i]')})"
        return Access(f"{kinds}; read_{variable}(0) decodes one", [call], "i", helpers)
    if feature.content is None or not feature.content.sides:
        call = f"return {decode}({variable}[()].tobytes())"
        return Access(f"{kinds}; read_{variable}() decodes it", [call], "", helpers)
    places = variables[feature.content.sides[0]]
    call = f"return {decode}({variable}[{places}[i] : {places}[i + 1]].tobytes())"
    return Access(f"{kinds}, one after another; read_{variable}(0) decodes one", [call], "i", helpers)


def _decoder(feature: ForeignFeature) -> str:
    content = feature.content
    is_deep = content is not None and content.dtype == "uint16" and content.channels != 1
    return "decode_16" if is_deep else "decode"


def _bytes_of(feature: ForeignFeature, value: str) -> str:
    """Python for the bytes of a value: h5py gives strings as bytes, all others as arrays."""
    return value if feature.dtype.startswith("string") else f"{value}.tobytes()"


def _is_channels_first(shape: tuple[int | None, ...]) -> bool:
    if len(shape) != 4:
        return False
    _, channels, height, width = (size or 0 for size in shape)
    return channels in CHANNELS and min(height, width) >= MIN_SIDE
