"""`fitfeed convert SOURCE DATASET`."""

import argparse
import json
import re
import sys
from typing import TYPE_CHECKING, Any

from fitfeed.schemas.errors import UsageError

if TYPE_CHECKING:
    from fitfeed.beam_jobs import ConversionResult, PlannedConversion
    from fitfeed.converters.options import ConvertOptions

EPILOG = """\
examples:
  fitfeed convert photos/ flowers/
      photos/<class>/*.jpg, or photos/<train|validation|test>/<class>/*.jpg; original bytes are kept
  fitfeed convert photos/ flowers/ --size 256 --split train=0.9,validation=0.1
      shorter side 256 pixels, stored as JPEG; split by hash, stable when images are added
  fitfeed convert photos/ flowers/ --format hdf5 --encoding raw --size 224 --fit cover
      uint8 pixels of one shape in HDF5: most bytes, no decoding when training
  fitfeed convert photos/ flowers/ --labels labels.csv --label-column species --label-column height_cm:float
      labels from a table, whose column path, file or image names the pictures in photos/
  fitfeed convert scans.csv scans/ --label-column lesion:mask --size 256 --split train=0.8,validation=0.2 --group patient
      the table is the source; masks keep to their pictures, and no patient is in two splits
  fitfeed convert photos/ flowers/ --duplicates drop
      of identical pictures only one is taken; flowers/rejects.jsonl names the others
  fitfeed convert photos/ flowers/ --max-bad 1%
      tolerate one bad file in a hundred; each is named in flowers/rejects.jsonl
  fitfeed convert photos/ flowers/ --append
      images that flowers/ does not have yet join it, in further shards; its options stay

Stopped at any moment, the same command continues where it was. Options after -- go to Beam.
"""


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Adds the command's options."""
    parser = subparsers.add_parser(
        "convert",
        help="turn a folder of images into a dataset",
        description="Turn a folder of images into sharded TFRecord or HDF5 with exact statistics.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="folder with one folder of images per class, or a .csv or .jsonl table of images",
    )
    parser.add_argument("dataset", metavar="DATASET", help="folder to make")

    stored = parser.add_argument_group("how images are stored")
    # No defaults here: those of ConvertOptions hold, or with --append those of the dataset.
    stored.add_argument("--format", choices=["tfrecord", "hdf5"], help="default: tfrecord")
    stored.add_argument(
        "--encoding",
        choices=["keep", "jpeg", "png", "raw"],
        help="keep the original bytes (converted losslessly where they are not an upright RGB or grey JPEG or PNG), "
        "re-encode, or store plain pixels; default: keep, or jpeg with --size (png with --depth 16)",
    )
    stored.add_argument(
        "--size", type=parse_size, metavar="N|HxW", help="target size in pixels; N = both sides"
    )
    stored.add_argument(
        "--fit",
        choices=["shorter", "cover", "contain", "stretch"],
        help="shorter side to N keeping the aspect ratio (default) / fill and centre-crop (default for raw) / pad / distort",
    )
    stored.add_argument("--quality", type=int, metavar="Q", help="JPEG quality 1-100; default: 90")
    stored.add_argument("--channels", type=int, choices=[1, 3], help="grey or RGB; default: 3")
    stored.add_argument(
        "--depth",
        type=int,
        choices=[8, 16],
        help="bits per value: 16 keeps those of 16-bit PNG and TIFF and widens the others to 0..65535, in keep, png or raw; default: 8",
    )
    stored.add_argument(
        "--background",
        type=parse_color,
        metavar="R,G,B",
        help="what transparent pixels are composited on, and padding; default: 255,255,255",
    )
    stored.add_argument(
        "--frames",
        choices=["first", "reject"],
        help="of animated and multi-page images; default: first",
    )
    stored.add_argument(
        "--max-pixels",
        type=int,
        metavar="N",
        help="refuse images with more pixels, before decoding; default: 89478485",
    )

    arranged = parser.add_argument_group("how examples are arranged")
    arranged.add_argument("--shards", type=int, metavar="N", help="shards per split")
    arranged.add_argument(
        "--shard-size",
        type=parse_bytes,
        metavar="BYTES",
        help="size of a shard, e.g. 64MiB; default: 128MiB, with up to 8 smaller shards for a small dataset",
    )
    arranged.add_argument(
        "--split",
        type=parse_split,
        metavar="NAME=SHARE,...",
        help="e.g. train=0.8,validation=0.2, by hash of the path; default: by split folders, else all train",
    )
    arranged.add_argument(
        "--class-from",
        choices=["first", "parent", "path"],
        help="with nested folders, the class is the first one, the image's own, or all joined by /; default: first",
    )
    arranged.add_argument("--seed", type=int, metavar="N", help="salt of order and split; default: 0")
    arranged.add_argument(
        "--stratify",
        action="store_true",
        default=None,
        help="with --split: every class in the same shares, each to within one image",
    )
    arranged.add_argument(
        "--duplicates",
        choices=["keep", "drop", "fail"],
        help="images of a split with exactly the pixels of another one in it: keep and count them (default), "
        "drop all but the first by path, or publish nothing",
    )

    _add_label_options(parser.add_argument_group("labels from a table"))
    run_group = parser.add_argument_group("how it runs")
    run_group.add_argument(
        "--max-bad",
        type=parse_max_bad,
        default=0,
        metavar="N|P%",
        help="files that may be rejected; default: 0",
    )
    run_group.add_argument(
        "--allow-leaks",
        action="store_true",
        help="publish even if an image, or a group, stands in two splits; otherwise that is exit status 4",
    )
    run_group.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="processes of the local run; default: the CPUs this process may use",
    )
    run_group.add_argument(
        "--timeout",
        type=float,
        default=300,
        metavar="SECONDS",
        help="decoding one image may take so long in the local run, else it is rejected; 0: no limit; default: 300",
    )
    run_group.add_argument(
        "--runner", default="local", metavar="NAME", help="local (default), or a Beam runner"
    )
    replacing = run_group.add_mutually_exclusive_group()
    replacing.add_argument("--overwrite", action="store_true", help="replace a complete dataset")
    replacing.add_argument(
        "--append",
        action="store_true",
        help="add to a complete dataset the images of SOURCE that it does not have, with the options that it has",
    )
    run_group.add_argument("--dry-run", action="store_true", help="print what would be done, and do nothing")
    run_group.add_argument(
        "--json", action="store_true", help="print one JSON document instead of the summary"
    )
    run_group.add_argument("--quiet", action="store_true", help="no progress, no summary")


def _add_label_options(table: "argparse._ArgumentGroup") -> None:
    table.add_argument("--labels", metavar="TABLE", help=".csv or .jsonl with a row for each image of SOURCE")
    table.add_argument(
        "--path-column",
        metavar="C",
        help="column that names the images, relative to SOURCE; default: the one called path, file, image or the like",
    )
    table.add_argument(
        "--label-column",
        action="append",
        metavar="C[:KIND]",
        help="column that is a label, of kind class (default), multiclass (several, separated by ; or a JSON list), float, int, "
        "text, or mask (path of an image); may be repeated; default: column label, else the class folders",
    )
    table.add_argument(
        "--split-column",
        metavar="C",
        help="column that names the split: train, validation (val, valid) or test",
    )
    table.add_argument(
        "--group",
        metavar="COLUMN",
        help="column of which no value may be in two splits: --split then divides by it; with other splits that is exit status 4",
    )


def run(arguments: argparse.Namespace) -> int:
    """Converts, or says what would be converted."""
    from fitfeed.beam_jobs import convert, plan_conversion
    from fitfeed.output.progress import progress_for

    options = _options(arguments)
    if arguments.passed_on and arguments.runner == "local":
        msg = f"options after -- go to a Beam runner, and the local one takes none. Received: {' '.join(arguments.passed_on)}. Add --runner NAME, or leave them out."
        raise UsageError(msg)
    given: dict[str, Any] = {
        "labels": arguments.labels,
        "max_bad": arguments.max_bad,
        "allow_leaks": arguments.allow_leaks,
        "workers": arguments.workers,
        "timeout_s": arguments.timeout,
        "runner": arguments.runner,
        "runner_arguments": arguments.passed_on,
        "overwrite": arguments.overwrite,
        "append": arguments.append,
    }
    if arguments.dry_run:
        _print_plan(arguments, plan_conversion(arguments.source, arguments.dataset, options, **given))
        return 0
    with progress_for(sys.stderr, quiet=arguments.quiet) as progress:
        conversion = convert(arguments.source, arguments.dataset, options, **given, progress=progress)
    _print_result(arguments, conversion)
    return 0


OPTIONS = {
    "format": "format",
    "encoding": "encoding",
    "size": "size",
    "fit": "fit",
    "quality": "quality",
    "channels": "channels",
    "depth": "depth",
    "background": "background",
    "frames": "frames",
    "max_pixels": "max_pixels",
    "shards": "shards",
    "shard_bytes": "shard_size",
    "split": "split",
    "class_from": "class_from",
    "seed": "seed",
    "duplicates": "duplicates",
    "path_column": "path_column",
    "label_columns": "label_column",
    "split_column": "split_column",
    "stratify": "stratify",
    "group": "group",
}
"""Field of `ConvertOptions` to the option on the command line."""


def _options(arguments: argparse.Namespace) -> "ConvertOptions":
    """The options that were given, and for the others the defaults, or what the dataset was made with."""
    from pathlib import Path

    from fitfeed.converters.options import ConvertOptions

    given = {
        field: value for field, name in OPTIONS.items() if (value := getattr(arguments, name)) is not None
    }
    if "label_columns" in given:
        given["label_columns"] = tuple(given["label_columns"])
    if not arguments.append:
        return ConvertOptions(**given)
    from fitfeed.converters.planning.base_dataset import append_options
    from fitfeed.schemas.manifest import read_manifest

    return append_options(read_manifest(Path(arguments.dataset)), given)


def _print_result(arguments: argparse.Namespace, conversion: "ConversionResult") -> None:
    from fitfeed.output.dataset_json import describe
    from fitfeed.output.summary import conversion_summary

    if arguments.json:
        document = {
            **describe(conversion.manifest),
            "up_to_date": conversion.up_to_date,
            "duplicate_pairs": conversion.duplicates,
            "near_duplicates": conversion.near_duplicates,
            **(
                {}
                if conversion.added is None
                else {"added": conversion.added, "new_classes": conversion.new_classes}
            ),
            "seconds": round(conversion.seconds, 3),
            "images_per_second": round(conversion.files / conversion.seconds, 1),
        }
        print(json.dumps(document, ensure_ascii=False))  # noqa: T201 - the answer
    elif not arguments.quiet:
        print(conversion_summary(conversion, arguments.dataset))  # noqa: T201 - the answer


def _print_plan(arguments: argparse.Namespace, planned: "PlannedConversion") -> None:
    from fitfeed.output.summary import dry_run_document, dry_run_summary

    document = {**dry_run_document(planned.plan), "up_to_date": planned.up_to_date}
    print(  # noqa: T201 - the answer
        json.dumps(document, ensure_ascii=False)
        if arguments.json
        else dry_run_summary(document, arguments.dataset)
    )


def parse_size(text: str) -> tuple[int, int]:
    """`N` or `HxW` to (height, width) in pixels."""
    match = re.fullmatch(r"(\d+)(?:x(\d+))?", text)
    if match is None or "0" in (match[1].lstrip("0") or "0", (match[2] or "1").lstrip("0") or "0"):
        msg = f"expected a positive number of pixels, N or HxW (height x width). Received: {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(match[1]), int(match[2] or match[1])


def parse_bytes(text: str) -> int:
    """`128MiB`, `1GB` or a plain number to bytes."""
    from pydantic import ByteSize, TypeAdapter

    # ByteSize lets anything follow the unit, as in "1GB, or so", and takes bits.
    written = re.fullmatch(r"\d+(\.\d+)?\s*(([KMG]i?)?B)?", text, re.IGNORECASE)
    size = TypeAdapter(ByteSize).validate_python(text) if written else 0
    if not size:
        msg = f"expected a size above 0 such as 128MiB, 1GB or 1000000. Received: {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(size)


def parse_color(text: str) -> tuple[int, int, int]:
    """`R,G,B` to three numbers, each 0 to 255."""
    parts = text.split(",")
    if len(parts) != 3 or not all(part.strip().isdigit() and int(part) <= 255 for part in parts):
        msg = f"expected R,G,B, each 0 to 255. Received: {text!r}"
        raise argparse.ArgumentTypeError(msg)
    red, green, blue = map(int, parts)
    return red, green, blue


def parse_split(text: str) -> dict[str, float]:
    """`train=0.8,validation=0.2` to shares by name."""
    fractions: dict[str, float] = {}
    for part in text.split(","):
        name, _, share = part.partition("=")
        try:
            fraction = float(share)
        except ValueError:
            msg = f"expected NAME=SHARE,... such as train=0.8,validation=0.2. Received: {text!r}"
            raise argparse.ArgumentTypeError(msg) from None
        if name.strip() in fractions:
            msg = f"split {name.strip()!r} is named twice. Received: {text!r}"
            raise argparse.ArgumentTypeError(msg)
        fractions[name.strip()] = fraction
    return fractions


def parse_max_bad(text: str) -> int | float:
    """`N` to a number of files, `P%` to a share of them."""
    match = re.fullmatch(r"(\d+)|(\d+(?:\.\d+)?)%", text.strip())
    if match is None or (match[2] and float(match[2]) > 100):
        msg = f"expected a number of files such as 10, or a share such as 0.5%. Received: {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(match[1]) if match[1] else float(match[2]) / 100
