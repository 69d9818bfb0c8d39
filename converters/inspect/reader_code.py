"""Writes Python that reads a file of another program. `fitfeed inspect` prints it, ready to paste."""

import builtins
import keyword
import re
from collections.abc import Sequence
from pathlib import Path

from fitfeed.converters.inspect.decompress import Compression
from fitfeed.converters.inspect.report import ForeignFeature

DECODABLE = {"jpeg", "png", "gif", "bmp", "webp"}
"""Formats that `tf.io.decode_image` of TensorFlow 2.21 reads."""


def tfrecord_parser(
    path: Path, features: Sequence[ForeignFeature], *, compression: Compression, content: str, records: int
) -> str:
    """Writes a `tf.data` pipeline that yields one parsed record at a time.

    Args:
        path: The file.
        features: All of its features.
        compression: Compression of the whole file.
        content: `tf.train.Example`, `tf.train.SequenceExample` or `bytes`.
        records: Number of records.
    """
    option = "" if compression == "none" else f', compression_type="{compression.upper()}"'
    source = f"tf.data.TFRecordDataset({_quoted(str(path))}{option})"
    usable = [feature for feature in features if feature.dtype not in ("mixed", "empty")]
    if content == "bytes" or not usable:
        return f"import tensorflow as tf\n\ndataset = {source}  # each element: the bytes of a record\n"
    skipped = [f"# {_quoted(feature.name)} {feature.note}" for feature in features if feature not in usable]
    parse = (
        _parse_sequence(usable, records) if content == "tf.train.SequenceExample" else _parse_example(usable)
    )
    lines = ["import tensorflow as tf", "", *skipped, *parse, "", f"dataset = {source}.map(parse)"]
    return "\n".join(lines) + "\n"


def _parse_example(features: Sequence[ForeignFeature]) -> list[str]:
    images = [feature for feature in features if _is_image(feature)]
    decode = [
        f"    example[{_quoted(feature.name)}] = tf.io.decode_image("
        f"example[{_quoted(feature.name)}], channels={feature.channels or 3}, expand_animations=False)"
        for feature in images
    ]
    return [
        "features = {",
        *(f"    {_quoted(feature.name)}: {_single(feature)}," for feature in features),
        "}",
        "",
        "",
        "def parse(record):",
        "    example = tf.io.parse_single_example(record, features)",
        *decode,
        "    return example",
        "",
    ]


def _parse_sequence(features: Sequence[ForeignFeature], records: int) -> list[str]:
    context = [feature for feature in features if feature.role == "context"]
    sequence = [feature for feature in features if feature.role == "sequence"]
    return [
        "context_features = {",
        *(f"    {_quoted(feature.name)}: {_single(feature)}," for feature in context),
        "}",
        "sequence_features = {",
        *(f"    {_quoted(feature.name)}: {_sequence(feature, records)}," for feature in sequence),
        "}",
        "",
        "",
        "def parse(record):",
        "    return tf.io.parse_single_sequence_example(record, context_features, sequence_features)",
        "",
    ]


def _single(feature: ForeignFeature) -> str:
    if None in feature.shape:
        return f"tf.io.RaggedFeature(tf.{feature.dtype})"
    return f"tf.io.FixedLenFeature({list(feature.shape)}, tf.{feature.dtype})"


def _sequence(feature: ForeignFeature, records: int) -> str:
    if None in feature.shape:
        return f"tf.io.VarLenFeature(tf.{feature.dtype})"
    missing = "" if feature.present == records else ", allow_missing=True"
    return f"tf.io.FixedLenSequenceFeature({list(feature.shape)}, tf.{feature.dtype}{missing})"


def _is_image(feature: ForeignFeature) -> bool:
    return (
        bool(feature.images)
        and feature.shape == ()
        and feature.note is None
        and set(feature.images) <= DECODABLE
    )


def hdf5_parser(path: Path, features: Sequence[ForeignFeature]) -> str:
    """Writes h5py lines that open every dataset of a file.

    Args:
        path: The file.
        features: Its objects; links are left out.
    """
    lines = ["import h5py", "", f'file = h5py.File({_quoted(str(path))}, "r")']
    taken = {"file", "h5py", *dir(builtins)}
    for feature in features:
        if feature.role != "dataset":
            continue
        variable = _variable(feature.name, taken)
        row = f"{variable}[0]" if feature.shape else f"{variable}[()]"
        lines.append(
            f"{variable} = file[{_quoted(feature.name)}]  # {_one_line(feature.dtype)}; {row} reads one"
        )
    return "\n".join(lines) + "\n"


def _variable(name: str, taken: set[str]) -> str:
    """A Python name for an object, different from all that are taken. It is taken from now on."""
    base = re.sub(r"\W+", "_", name.strip("/"), flags=re.ASCII).strip("_").lower() or "values"
    if base[0].isdigit() or keyword.iskeyword(base):
        base = f"data_{base}"
    variable, number = base, 2
    while variable in taken:
        variable, number = f"{base}_{number}", number + 1
    taken.add(variable)
    return variable


def _quoted(text: str) -> str:
    """A string as Python source, in double quotes if that is possible."""
    literal = ascii(text)
    return f'"{literal[1:-1]}"' if literal[0] == "'" and '"' not in literal else literal


def _one_line(text: str) -> str:
    return " ".join(text.split())
