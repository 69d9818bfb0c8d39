"""Writes the golden datasets of 16 bits anew: only together with the format version.

python -m tests.golden.regenerate_16_bits
"""

import shutil
import tempfile
from pathlib import Path

from fitfeed.beam_jobs import convert
from fitfeed.converters.option_parts.storage import Format
from fitfeed.converters.options import ConvertOptions
from tests.deep import noise, png

FOLDER = Path(__file__).parent
FORMATS: tuple[Format, ...] = ("tfrecord", "hdf5")


def make_source(folder: Path) -> None:
    """Five pictures of 4 x 3 pixels in two classes."""
    for number in range(5):
        path = folder / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(noise(4, 3, 3, seed=number)))


def options(format_: Format) -> ConvertOptions:
    """Raw pixels, since the bytes of a PNG belong to the library that wrote it."""
    return ConvertOptions(format=format_, depth=16, encoding="raw", size=(4, 3), shards=2)


def golden(format_: Format) -> Path:
    """The dataset's folder."""
    return FOLDER / f"version-2-16-bits-{format_}"


def main() -> None:
    """Writes both."""
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary) / "source"  # its name is in the manifest
        make_source(source)
        for format_ in FORMATS:
            shutil.rmtree(golden(format_), ignore_errors=True)
            convert(source, golden(format_), options(format_), workers=1)


if __name__ == "__main__":
    main()
