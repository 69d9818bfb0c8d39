"""Writes the golden datasets of 16 bits anew: only together with the format version.

python -m tests.golden.regenerate_16_bits
"""

from pathlib import Path

from fitfeed.beam_jobs import convert
from fitfeed.converters.option_parts.storage import Format
from fitfeed.converters.options import ConvertOptions
from tests.deep import noise, png
from tests.golden.golden_folders import golden_folder, write_anew

KIND = "16-bits"


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
    return golden_folder(KIND, format_)


def convert_to(source: Path, folder: Path, format_: Format) -> None:
    """Writes one of them."""
    convert(source, folder, options(format_), workers=1)


if __name__ == "__main__":
    write_anew(KIND, make_source, convert_to)
