"""Writes the golden datasets of files that are stored as they were anew: only together with the format version.

python -m tests.golden.regenerate_keep
"""

from pathlib import Path

import numpy as np
from PIL import Image

from fitfeed.beam_jobs import convert
from fitfeed.converters.option_parts.storage import Format
from fitfeed.converters.options import ConvertOptions
from tests.golden.golden_folders import write_anew


def make_source(folder: Path) -> None:
    """Six pictures of different sizes, JPEG and PNG, in two classes and two splits."""
    for number in range(6):
        rows, columns = np.mgrid[: 10 + number, : 17 - number]
        pixels = np.stack([rows * 20 + number, columns * 13, rows * columns], axis=-1).astype(np.uint8)
        path = folder / ("train" if number < 4 else "validation") / "ab"[number % 2] / f"{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path.with_suffix(".png" if number == 3 else ".jpg"), quality=90)


def convert_to(source: Path, folder: Path, format_: Format) -> None:
    """Writes one of them."""
    convert(source, folder, ConvertOptions(format=format_, shards=1), workers=1)
    (folder / "sources.arrow").unlink()  # times of the machine that wrote it


if __name__ == "__main__":
    write_anew("keep", make_source, convert_to)
