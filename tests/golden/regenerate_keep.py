"""Writes the golden datasets of files that are stored as they were anew: only together with the format version.

python -m tests.golden.regenerate_keep
"""

import shutil
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from fitfeed.beam_jobs import convert
from fitfeed.converters.option_parts.storage import Format
from fitfeed.converters.options import ConvertOptions

FOLDER = Path(__file__).parent
FORMATS: tuple[Format, ...] = ("tfrecord", "hdf5")


def make_source(folder: Path) -> None:
    """Six pictures of different sizes, JPEG and PNG, in two classes and two splits."""
    for number in range(6):
        rows, columns = np.mgrid[: 10 + number, : 17 - number]
        pixels = np.stack([rows * 20 + number, columns * 13, rows * columns], axis=-1).astype(np.uint8)
        path = folder / ("train" if number < 4 else "validation") / "ab"[number % 2] / f"{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path.with_suffix(".png" if number == 3 else ".jpg"), quality=90)


def golden(format_: Format) -> Path:
    """The dataset's folder."""
    return FOLDER / f"version-2-keep-{format_}"


def main() -> None:
    """Writes both."""
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary) / "source"  # its name is in the manifest
        make_source(source)
        for format_ in FORMATS:
            shutil.rmtree(golden(format_), ignore_errors=True)
            convert(source, golden(format_), ConvertOptions(format=format_, shards=1), workers=1)
            (golden(format_) / "sources.arrow").unlink()  # times of the machine that wrote it


if __name__ == "__main__":
    main()
