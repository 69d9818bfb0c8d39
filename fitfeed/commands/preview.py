"""`fitfeed preview DATASET -o FILE`."""

import argparse
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fitfeed.commands.option_values import parse_size
from fitfeed.commands.output_file import output_file, writing
from fitfeed.output.terminal import print_json, print_lines
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.files import atomic_write
from fitfeed.schemas.local_path import local_path
from fitfeed.schemas.storage.open_place import open_place
from fitfeed.schemas.strict_json import JsonObject

if TYPE_CHECKING:
    from PIL.Image import Image

    from fitfeed.pipelines import Dataset
    from fitfeed.preview.contact_sheet import Placed
    from fitfeed.preview.samples import Preview

EPILOG = """\
examples:
  fitfeed preview flowers/ -o flowers.png
      some pictures as they are stored, with their labels, and with masks below them
  fitfeed preview flowers/ -o flowers.png --augment "RandomFlip('horizontal'), RandomRotation(0.1)"
      the same, and beside each what training would see in its first four epochs
  fitfeed preview flowers/ -o flowers.png --image-size 224 --augment "RandomResizedCrop(), CutMix()"
      cropped to 224 x 224 pixels, and mixed with each other
"""

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}

COUNT, DRAWS, SIDE = 8, 4, 160

MAX_LETTERS = 20
"""Letters that the font lacks which are named."""

COLUMNS = 4
"""Stored pictures side by side. With augmented versions, which have columns of their own, it is one."""

MAX_PIXELS = 200_000_000
"""Pixels of all tiles together. A larger sheet would take gigabytes, and be too large to look at."""


def add_parser(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Adds the command's options."""
    parser = subparsers.add_parser(
        "preview",
        help="draw a contact sheet of stored and augmented pictures with their labels",
        description="Draw a contact sheet: pictures as they are stored, and as augmentation shows them to training, with labels and masks.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "dataset", metavar="DATASET", help="dataset folder, or its address: gs://, s3://, az://"
    )
    parser.add_argument(
        "-o", "--output", required=True, metavar="FILE", help="picture to write: .png, .jpg or .jpeg"
    )
    shown = parser.add_argument_group("what is shown")
    shown.add_argument("--split", metavar="S", help="default: train, or the only one")
    shown.add_argument("--count", type=int, default=COUNT, metavar="N", help=f"pictures; default: {COUNT}")
    shown.add_argument(
        "--augment",
        metavar="SPEC",
        help="augmentations as in Python, with literal arguments and commas between",
    )
    shown.add_argument(
        "--image-size", type=parse_size, metavar="N|HxW", help="of augmented pictures, as in make_pipeline"
    )
    shown.add_argument(
        "--draws",
        type=int,
        metavar="N",
        help=f"augmented versions of each: epochs 0 to N - 1; default: {DRAWS}",
    )
    shown.add_argument(
        "--seed", type=int, default=0, metavar="N", help="chooses the pictures and augments them; default: 0"
    )
    layout = parser.add_argument_group("layout")
    layout.add_argument(
        "--columns",
        type=int,
        metavar="N",
        help=f"pictures side by side; default: {COLUMNS}, with --augment 1",
    )
    layout.add_argument(
        "--tile", type=int, default=SIDE, metavar="N", help=f"side of a picture in pixels; default: {SIDE}"
    )
    layout.add_argument("--font", metavar="FILE", help="font for labels with letters that are not ASCII")
    parser.add_argument("--json", action="store_true", help="print what the sheet shows, and where, as JSON")
    parser.add_argument("--quiet", action="store_true", help="print nothing")


def run(options: argparse.Namespace) -> int:
    """Runs the command; returns the exit status."""
    output = output_file(options.output, FORMATS)
    _check_numbers(options)
    from fitfeed.pipelines import open_dataset
    from fitfeed.preview.augment_spec import parse_augment
    from fitfeed.preview.contact_sheet import ContactSheet
    from fitfeed.preview.samples import make_preview

    augment = parse_augment(options.augment) if options.augment is not None else []
    draws = (options.draws or DRAWS) if augment else 0
    dataset = open_dataset(options.dataset)
    split = options.split or ("train" if "train" in dataset.splits else next(iter(dataset.splits)))
    columns = options.columns or (1 if augment else COLUMNS)
    sheet = ContactSheet(
        side=options.tile, columns=columns, font=local_path(options.font, "--font") if options.font else None
    )
    preview = make_preview(
        dataset,
        split,
        count=options.count,
        seed=options.seed,
        side=options.tile,
        augment=augment,
        image_size=options.image_size,
        draws=draws,
    )
    total = dataset.splits[split].examples
    image, placed = sheet.draw(
        f"{_name(dataset)} · {split} · {len(preview.rows)} of {total} examples · seed {options.seed}",
        options.augment or "",
        ["stored", *(f"epoch {epoch}" for epoch in range(draws))] if draws else [],
        preview.tiles,
    )
    _save(image, output)
    if options.json:
        document = {
            "file": options.output,
            "width": image.width,
            "height": image.height,
            "dataset": options.dataset,
            "split": split,
            "seed": options.seed,
            "augment": [repr(op) for op in augment],
            "image_size": options.image_size,
            "missing_letters": sorted(sheet.missing_letters),
            "pictures": _pictures(preview, placed),
        }
        print_json(document, indent=1)
    elif not options.quiet:
        versions = f", each stored and augmented {draws} times" if draws else ""
        message = f"{options.output}: {len(preview.rows)} pictures of {split}{versions}, {image.width} x {image.height} pixels"
        print_lines([message + _missing_letters(sheet.missing_letters, options.font)], sys.stderr)
    return 0


def _name(dataset: "Dataset") -> str:
    """The name of the dataset's folder, or the last part of its address."""
    place = open_place(dataset.address, "DATASET")
    return place.choose(local=lambda path: path.resolve().name, far=lambda far: far.split()[1])


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


def _check_numbers(options: argparse.Namespace) -> None:
    """Refuses numbers that a sheet cannot have, and those that would have no effect.

    Raises:
        UsageError: Naming the option.
    """
    for name, least in (("count", 1), ("draws", 1), ("columns", 1), ("tile", 16)):
        value = getattr(options, name)
        if value is not None and value < least:
            msg = f"--{name} expects a number from {least}. Received: {value}"
            raise UsageError(msg)
    for name in ("draws", "image_size"):
        if getattr(options, name) is not None and options.augment is None:
            msg = f"--{name.replace('_', '-')} is about augmented pictures. Pass --augment too."
            raise UsageError(msg)
    versions = 1 + (options.draws or DRAWS) if options.augment is not None else 1
    if options.count * versions * options.tile**2 > MAX_PIXELS:
        msg = (
            f"{options.count * versions} tiles of {options.tile} x {options.tile} pixels are more than a sheet can "
            f"hold ({MAX_PIXELS:,} pixels). Ask for a smaller --count, --draws or --tile."
        )
        raise UsageError(msg)


def _save(image: "Image", path: Path) -> None:
    """Writes the sheet: all of it, or nothing.

    Raises:
        UsageError: If it cannot be written.
    """
    content = io.BytesIO()
    with writing(path):
        image.save(content, FORMATS[path.suffix.lower()], quality=90)
        atomic_write(path, content.getbuffer())
