"""What a person wants to know of files that another program wrote, as lines."""

from collections.abc import Iterator
from pathlib import Path

from fitfeed.converters.inspect.far_file import FileInStore
from fitfeed.converters.inspect.report import (
    DISTINCT_LIMIT,
    Content,
    ForeignFeature,
    ForeignReport,
    number_text,
)
from fitfeed.output.byte_size import human_bytes
from fitfeed.output.table import aligned
from fitfeed.schemas.text import printable

MAX_ROWS = 200
"""Features and objects that are listed. All are in the JSON document."""


def report_lines(path: Path | FileInStore, report: ForeignReport) -> list[str]:
    """What is in a file, and Python that reads it.

    Args:
        path: The file.
        report: What was found in it.
    """
    lines = [
        f"{path}: {kind_of(report)}, {human_bytes(report.bytes)}",
        *_records(report),
        *(line for line in (report.note, report.left_out) if line is not None),
    ]
    shown = report.features[:MAX_ROWS]
    rows = [_row(feature, report) for feature in shown if feature.role != "group"]
    if rows:
        lines += ["", *aligned([("name", "type", "shape", "values"), *rows])]
    if len(report.features) > len(shown):
        lines.append(f"and {len(report.features) - len(shown):,} more; --json lists them")
    lines += _attribute_lines(shown)
    return [*lines, "", "# read it with:", *report.parser.rstrip().split("\n")]


def kind_of(report: ForeignReport) -> str:
    """The kind of a file: `TFRecord, gzip`."""
    if report.content == "matlab":
        return "HDF5 (MATLAB 7.3)"
    compression = "" if report.compression == "none" else f", {report.compression}"
    return ("HDF5" if report.format == "hdf5" else "TFRecord") + compression


def _records(report: ForeignReport) -> Iterator[str]:
    if report.records is None:
        return
    least = "at least " if report.records_is_at_least else ""
    if not report.records:
        yield f"{least}0 records"
        return
    message = report.content
    if message == "bytes":
        record = report.features[-1].content if report.features else None
        message = "bytes (no tf.train.Example)" if record is None else _content_text(record)
    each = f", {report.record_bytes} bytes each" if report.record_bytes else ""
    yield f"{least}{report.records:,} records of {message}{each}"


def _row(feature: ForeignFeature, report: ForeignReport) -> tuple[str, str, str, str]:
    return printable(feature.name), feature.dtype, _shape(feature), _details(feature, report)


def _shape(feature: ForeignFeature) -> str:
    if feature.role == "link":
        return ""
    return (
        "scalar"
        if feature.shape == ()
        else " x ".join("?" if size is None else str(size) for size in feature.shape)
    )


def _details(feature: ForeignFeature, report: ForeignReport) -> str:
    return "; ".join([*_counts(feature, report), *_contents(feature), *_values(feature)])


def _counts(feature: ForeignFeature, report: ForeignReport) -> Iterator[str]:
    if feature.count > 1:
        yield f"{'at least ' if report.left_out else ''}{feature.count:,} such"
    if feature.role in ("context", "sequence"):
        yield feature.role if feature.steps is None else f"sequence of {feature.steps} steps"
    if feature.present is not None and feature.present != report.records and not report.is_sample:
        yield f"in {feature.present:,} of {report.records:,} records"
    if None in feature.shape and feature.length is not None:
        yield f"{feature.length} values"


def _contents(feature: ForeignFeature) -> Iterator[str]:
    content = feature.content
    if feature.images:
        yield ", ".join(f"{count:,} {name.upper()}" for name, count in sorted(feature.images.items()))
    if content is not None and content.kind != "image":
        yield _content_text(content)
    elif content is not None and not content.sides:
        yield from _image_text(content)
    if feature.size is not None:
        yield f"{feature.size} bytes"


def _values(feature: ForeignFeature) -> Iterator[str]:
    if feature.values is not None:
        yield str(feature.values)
    if feature.distinct is not None:
        yield _distinct(feature)
    if feature.values_read is not None:
        yield f"of the first {feature.values_read:,} values"
    if feature.also:
        yield f"also {', '.join(feature.also)}"
    if feature.note:
        yield feature.note


def _image_text(content: Content) -> Iterator[str]:
    """What images have beside their format."""
    size = content.shape[:2] if content.shape else (None, None)
    words = [f"{size[0]} x {size[1]}"] if None not in size else []
    if content.is_palette:
        words.append("palette")
    elif content.channels is not None:
        words.append({1: "gray", 2: "gray with alpha", 3: "RGB", 4: "RGBA"}[content.channels])
    if content.dtype == "uint16":
        words.append("16 bits")
    if words:
        yield ", ".join(words)


def _content_text(content: Content) -> str:
    shape = " x ".join("?" if side is None else str(side) for side in content.shape or ())
    array = f"{content.dtype} {shape or 'scalar'}"
    if content.kind == "image":
        return f"images ({', '.join(content.formats).upper()})"
    words = {"pixels": "raw pixels", "tensor": "tensor of tf.io.serialize_tensor", "npy": "array of np.save"}
    return f"{words[content.kind]}, {array}"


def _distinct(feature: ForeignFeature) -> str:
    count = feature.distinct or 0
    if count > DISTINCT_LIMIT:
        return f"more than {DISTINCT_LIMIT:,} distinct"
    return f"{count:,} distinct{_few(feature)}"


def _few(feature: ForeignFeature) -> str:
    """The distinct values, if the range does not say which they are."""
    few, span = feature.few, feature.values
    if span is None:
        return f": {', '.join(map(str, few))}" if few else ""
    is_all = len(few) < 3 or (isinstance(span.min, int) and len(few) == span.max - span.min + 1)
    return (
        "" if is_all else f": {', '.join(number_text(value) for value in few if not isinstance(value, str))}"
    )


def _attribute_lines(features: tuple[ForeignFeature, ...]) -> list[str]:
    rows = [
        (printable(feature.name), name, value)
        for feature in features
        for name, value in feature.attributes.items()
    ]
    return ["", *aligned([("attributes of", "name", "value"), *rows])] if rows else []
