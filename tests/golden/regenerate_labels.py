"""Writes the golden datasets with labels of every kind anew: only together with the format version.

python -m tests.golden.regenerate_labels
"""

import struct
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa

from fitfeed.beam_jobs import convert
from fitfeed.converters.option_parts.storage import Format
from fitfeed.converters.options import ConvertOptions
from fitfeed.schemas.payload import Pixels
from fitfeed.schemas.side_tables import SOURCES_NAME, sources_schema, write_table
from fitfeed.schemas.storage.local import LocalPlace
from tests.deep import chunk, png
from tests.golden.golden_folders import golden_folder, write_anew

KIND = "labels"
HEADER = "path,set,finding,tags,age,size_mm,note,lesion"
LABELS = ("finding", "tags:multiclass", "age:int", "size_mm:float", "note:text", "lesion:mask")
IMAGES = 6
PROFILE_NAME = "Golden RGB"
PROFILE = (
    bytes(128)
    + struct.pack(">I4sII", 1, b"desc", 144, 22)
    + b"desc"
    + bytes(4)
    + struct.pack(">I", 10)
    + PROFILE_NAME.encode()
)
"""An ICC profile with nothing in it but its name."""

SOURCES = {"key": ["0.png"], "bytes": [100], "mtime_ns": [10**18], "ctime_ns": [10**18 + 1]}
"""Of no file: no two machines would write the same table."""


def image(number: int) -> Pixels:
    """uint8 (3, 4, 3). The last one has the pixels of the first."""
    random = np.random.default_rng(number % (IMAGES - 1))
    return random.integers(0, 256, (3, 4, 3), np.uint8)


def mask(number: int) -> Pixels:
    """uint8 (3, 4)."""
    values = np.full((3, 4), number, np.uint8)
    values[0, 0] = 255
    return values


def row(number: int) -> str:
    """A line of the table."""
    split = "test" if number in (1, 4) else "train"
    tags = "[]" if number % 2 else f"old;no {number}"
    return f"{number}.png,{split},{(10, 2)[number % 2]},{tags},{40 + number},{number / 3!r},No. {number} ü,{number}-lesion.png"


def make_source(folder: Path) -> None:
    """Six pictures of 4 x 3 pixels in two splits, a mask for each, and one file that is no image."""
    folder.mkdir()
    for number in range(IMAGES):
        extra = [chunk(b"iCCP", b"named\0\0" + zlib.compress(PROFILE))] if number == 2 else []
        (folder / f"{number}.png").write_bytes(png(image(number), *extra))
        (folder / f"{number}-lesion.png").write_bytes(png(mask(number)[:, :, np.newaxis]))
    (folder / "bad.png").write_bytes(b"no image")
    rows = [row(number) for number in range(IMAGES)]
    bad = "bad.png,train,2,old,1,1,no image,0-lesion.png"
    (folder / "table.csv").write_text("\n".join([HEADER, *rows, bad]), encoding="utf-8")


def options(format_: Format) -> ConvertOptions:
    """Raw pixels, since the bytes of a PNG belong to the library that wrote it."""
    return ConvertOptions(
        format=format_,
        encoding="raw",
        size=(3, 4),
        shards=2,
        label_columns=LABELS,
        split_column="set",
    )


def golden(format_: Format) -> Path:
    """The dataset's folder."""
    return golden_folder(KIND, format_)


def convert_to(source: Path, folder: Path, format_: Format) -> None:
    """Writes one of them."""
    convert(source / "table.csv", folder, options(format_), max_bad=1, workers=1)
    write_table(LocalPlace(folder), SOURCES_NAME, pa.record_batch(SOURCES, schema=sources_schema()))


if __name__ == "__main__":
    write_anew(KIND, make_source, convert_to)
