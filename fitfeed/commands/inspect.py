"""`fitfeed inspect PATH`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fitfeed.output.terminal import print_json, print_lines
from fitfeed.schemas.local_path import local_path
from fitfeed.schemas.strict_json import JsonObject
from fitfeed.schemas.text import printable

if TYPE_CHECKING:
    from fitfeed.converters.inspect.report import ForeignFeature, ForeignReport
    from fitfeed.schemas.features import LabelFeature
    from fitfeed.schemas.manifest import Manifest
    from fitfeed.schemas.manifest_parts import Extent

EPILOG = """\
examples:
  fitfeed inspect flowers/
      splits, classes, features, statistics and rejects of a dataset, and how to train on it
  fitfeed inspect flowers/ --json
      the same as one JSON document
  fitfeed inspect somebody-elses.tfrecord
      what is in any TFRecord (also gzip or zlib) or HDF5 file, and Python that reads it
"""


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Adds the command's options."""
    parser = subparsers.add_parser(
        "inspect",
        help="say what is in a dataset, or in any TFRecord or HDF5 file",
        description="Say what is in a dataset, or in any single TFRecord or HDF5 file.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument("path", metavar="PATH", help="dataset folder, TFRecord file or HDF5 file")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(options: argparse.Namespace) -> int:
    """Runs the command; returns the exit status."""
    path = local_path(options.path, "PATH")
    document, lines = _dataset(path, options.path) if path.is_dir() else _file(path)
    if options.json:
        print_json(document, indent=1)
    else:
        print_lines(lines)
    return 0


def _dataset(path: Path, name: str) -> tuple[JsonObject, list[str]]:
    from fitfeed.output.dataset_json import describe
    from fitfeed.schemas.manifest import read_manifest

    manifest = read_manifest(path)
    return describe(manifest), dataset_lines(name, manifest)


def _file(path: Path) -> tuple[JsonObject, list[str]]:
    from fitfeed.converters.inspect import inspect_file

    report = inspect_file(path)
    return report.to_dict(), report_lines(path, report)


def dataset_lines(name: str, manifest: "Manifest") -> list[str]:
    """What a person wants to know of a dataset.

    Args:
        name: The dataset's folder as the user wrote it.
        manifest: Of the dataset.
    """
    from fitfeed.output.summary import splits_table, statistics_lines
    from fitfeed.output.training_lines import training_lines

    image = manifest.features.image
    size = f"{image.shape[0]} x {image.shape[1]} pixels" if image.shape[0] else "of any size"
    return [
        f"{name}: {manifest.format} dataset, format version {manifest.format_version}",
        f"fingerprint {manifest.fingerprint}",
        "",
        *splits_table(manifest),
        "",
        f"image      {image.dtype}, {size}, {image.channels} channels, encoding {image.encoding}",
        *_extent_lines(manifest),
        *(_label_line(label, feature) for label, feature in manifest.features.labels.items()),
        f"key        {manifest.features.key.dtype}, the file's path below the source folder",
        *statistics_lines(manifest),
        "",
        *_reject_lines(manifest),
        "",
        *training_lines(name, manifest),
    ]


def _label_line(name: str, feature: "LabelFeature") -> str:
    from fitfeed.output.source_facts import mask_values
    from fitfeed.schemas.features import ClassFeature, FloatsFeature, MaskFeature, MulticlassFeature
    from fitfeed.schemas.text import shortened

    what: str = feature.kind
    if isinstance(feature, ClassFeature | MulticlassFeature):
        what = f"{len(feature.class_names)} classes" + (
            ", any number of them" if what == "multiclass" else ""
        )
    elif isinstance(feature, FloatsFeature):
        what = f"{len(feature.names)} numbers: {shortened(', '.join(feature.names), limit=60)}"
    elif isinstance(feature, MaskFeature):
        what = f"mask of its image's size, encoding {feature.encoding}; {mask_values(feature)}"
    return f"{name:<10} {feature.dtype}, {what}"


def _extent_lines(manifest: "Manifest") -> list[str]:
    if manifest.features.image.shape[0] is not None:
        return []
    return [
        f"           {name}: height {_extent(split.height)}; width {_extent(split.width)}"
        for name, split in manifest.splits.items()
        if split.height and split.width
    ]


def _extent(extent: "Extent") -> str:
    return f"{extent.min}..{extent.max}, median {extent.median}"


def _reject_lines(manifest: "Manifest") -> list[str]:
    total = sum(manifest.rejects.values())
    listed = [f"           {count} {reason}" for reason, count in manifest.rejects.items()]
    ignored = f"{manifest.ignored} other files ignored"
    return [f"rejects    {total or 'none'}, {ignored}" + ("; see rejects.jsonl" if total else ""), *listed]


def report_lines(path: Path, report: "ForeignReport") -> list[str]:
    """What a person wants to know of a file that another program wrote.

    Args:
        path: The file.
        report: What was found in it.
    """
    from fitfeed.output.summary import human_bytes

    compression = "" if report.compression == "none" else f", {report.compression}"
    kind = "HDF5" if report.format == "hdf5" else "TFRecord"
    lines = [f"{path}: {kind}{compression}, {human_bytes(report.bytes)}"]
    if report.records is not None:
        message = "bytes (no tf.train.Example)" if report.content == "bytes" else report.content
        each = f", {report.record_bytes} bytes each" if report.record_bytes else ""
        lines.append(f"{report.records:,} records of {message}{each}" if report.records else "0 records")
    if report.left_out is not None:
        lines.append(report.left_out)
    rows = [
        (printable(feature.name), feature.dtype, _shape(feature), _details(feature, report.records))
        for feature in report.features
    ]
    lines += ["", *_table([("name", "type", "shape", "values"), *rows])] if rows else []
    return [*lines, "", "# read it with:", *report.parser.rstrip().split("\n")]


def _shape(feature: "ForeignFeature") -> str:
    if feature.role == "link":
        return ""
    return (
        "scalar"
        if feature.shape == ()
        else " x ".join("?" if size is None else str(size) for size in feature.shape)
    )


def _details(feature: "ForeignFeature", records: int | None) -> str:
    found = []
    if feature.role in ("context", "sequence"):
        found.append(feature.role if feature.steps is None else f"sequence of {feature.steps} steps")
    if feature.present is not None and feature.present != records:
        found.append(f"in {feature.present:,} of {records:,} records")
    if None in feature.shape and feature.length is not None:
        found.append(f"{feature.length} values")
    if feature.images:
        found.append(", ".join(f"{count:,} {name.upper()}" for name, count in sorted(feature.images.items())))
    if feature.size is not None:
        found.append(f"{feature.size} bytes")
    if feature.values is not None:
        found.append(str(feature.values))
    if feature.distinct is not None:
        found.append(_distinct(feature.distinct))
    return "; ".join([*found, *([feature.note] if feature.note else [])])


def _distinct(count: int) -> str:
    from fitfeed.converters.inspect.report import DISTINCT_LIMIT

    return f"more than {DISTINCT_LIMIT:,} distinct" if count > DISTINCT_LIMIT else f"{count:,} distinct"


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    """Aligns all columns but the last."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in rows
    ]
