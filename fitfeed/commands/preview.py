"""`fitfeed preview DATASET -o FILE`."""

import argparse
import io
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fitfeed.commands.help_format import HelpFormat
from fitfeed.commands.option_values import parse_size
from fitfeed.commands.output_file import output_file, writing
from fitfeed.output.terminal import print_json, print_lines
from fitfeed.preview.sheet_options import COLUMNS, COUNT, DRAWS, SIDE, SheetOptions
from fitfeed.schemas.files import atomic_write
from fitfeed.schemas.local_path import local_path
from fitfeed.schemas.strict_json import JsonObject

if TYPE_CHECKING:
    from PIL.Image import Image

    from fitfeed.preview.contact_sheet import Placed
    from fitfeed.preview.samples import Preview

EPILOG = """\
example:
  fitfeed preview flowers/ -o f.png --augment "RandomFlip(), RandomZoom(0.1)"
"""

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}

MAX_LETTERS = 20
"""Letters that the font lacks which are named."""


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Adds the command's options."""
    parser = subparsers.add_parser(
        "preview",
        help="draw pictures with their labels: stored, and augmented",
        description="Draw pictures with labels and masks: as stored, and as augmented for training.",
        epilog=EPILOG,
        formatter_class=HelpFormat,
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "dataset", metavar="DATASET", help="dataset folder, or its address: gs://, s3://, az://"
    )
    parser.add_argument(
        "-o", "--output", required=True, metavar="FILE", help="picture to write: .png, .jpg or .jpeg"
    )
    parser.add_argument("--split", metavar="S", help="default: train, or the only one")
    parser.add_argument("--count", type=int, default=COUNT, metavar="N", help=f"pictures; default: {COUNT}")
    parser.add_argument(
        "--augment",
        metavar="SPEC",
        help="as in Python: Name(literals), ...; default: none",
    )
    parser.add_argument(
        "--image-size", type=parse_size, metavar="N|HxW", help="of augmented pictures, as in make_pipeline"
    )
    parser.add_argument(
        "--draws",
        type=int,
        metavar="N",
        help=f"versions of each: epochs 0 to N - 1; default: {DRAWS}",
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of which are chosen, and augmented how; default: 0"
    )
    parser.add_argument(
        "--columns",
        type=int,
        metavar="N",
        help=f"pictures side by side; default: {COLUMNS}, with --augment 1",
    )
    parser.add_argument(
        "--tile", type=int, default=SIDE, metavar="N", help=f"side of a picture in pixels; default: {SIDE}"
    )
    parser.add_argument("--font", metavar="FILE", help="font for labels with letters that are not ASCII")
    parser.add_argument("--json", action="store_true", help="print what it shows, and where, as JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress, no summary")


def run(options: argparse.Namespace) -> int:
    """Runs the command; returns the exit status."""
    output = output_file(options.output, FORMATS)
    _options(options).check(is_augmented=options.augment is not None, options="--")
    from fitfeed.output.progress import phase_progress
    from fitfeed.pipelines import open_dataset
    from fitfeed.preview.augment_spec import parse_augment
    from fitfeed.preview.sheet import draw_sheet

    augment = parse_augment(options.augment) if options.augment is not None else []
    with phase_progress(sys.stderr, "drawing", quiet=options.quiet):
        drawn = draw_sheet(open_dataset(options.dataset), replace(_options(options), augment=augment))
        image, preview = drawn.image, drawn.preview
        _save(image, output)
    if options.json:
        document = {
            "file": options.output,
            "width": image.width,
            "height": image.height,
            "dataset": options.dataset,
            "split": drawn.split,
            "seed": options.seed,
            "augment": [repr(op) for op in augment],
            "image_size": options.image_size,
            "missing_letters": sorted(drawn.missing_letters),
            "pictures": _pictures(preview, drawn.placed),
        }
        print_json(document, indent=1)
    elif not options.quiet:
        versions = f", each stored and augmented {drawn.draws} times" if drawn.draws else ""
        message = f"{options.output}: {len(preview.rows)} pictures of {drawn.split}{versions}, {image.width} x {image.height} pixels"
        print_lines([message + _missing_letters(drawn.missing_letters, options.font)], sys.stderr)
    return 0


def _options(options: argparse.Namespace) -> SheetOptions:
    """What the sheet shows, but for the augmentations, which are read later."""
    return SheetOptions(
        split=options.split,
        count=options.count,
        written=options.augment or "",
        image_size=options.image_size,
        draws=options.draws,
        seed=options.seed,
        columns=options.columns,
        side=options.tile,
        font=local_path(options.font, "--font") if options.font else None,
    )


def _missing_letters(letters: set[str], font: str | None) -> str:
    """What to do about letters that the sheet does not show, as a sentence of the message."""
    if not letters:
        return ""
    named = " ".join(sorted(letters)[:MAX_LETTERS]) + (" ..." if len(letters) > MAX_LETTERS else "")
    mend = "another font" if font else "a font that has them"
    return f". {len(letters)} letters are not in its font, and not shown as they are: {named}. Name {mend}: --font FILE.ttf"


def _pictures(preview: "Preview", placed: "list[list[Placed]]") -> list[JsonObject]:
    """What is where. Boxes are left, top, right, bottom in pixels of the sheet."""
    return [
        {
            "example": int(preview.rows[i]),
            "key": preview.keys[i],
            "labels": preview.values[i][0],
            "mixed_labels": preview.values[i][1:],
            "boxes": [place.image for place in places],
            "mask_boxes": [place.masks for place in places],
        }
        for i, places in enumerate(placed)
    ]


def _save(image: "Image", path: Path) -> None:
    """Writes the sheet: all of it, or nothing.

    Raises:
        UsageError: If it cannot be written.
    """
    content = io.BytesIO()
    with writing(path):
        image.save(content, FORMATS[path.suffix.lower()], quality=90)
        with (
            content.getbuffer() as written
        ):  # where it fails, nothing of it may be left for the garbage collector
            atomic_write(path, written)
