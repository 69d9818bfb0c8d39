"""Where golden datasets are, and how they are written: one of each kind in each container."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from fitfeed.converters.option_parts.storage import Format

FOLDER = Path(__file__).parent
FORMATS: tuple[Format, ...] = ("tfrecord", "hdf5")


def golden_folder(kind: str, format_: Format) -> Path:
    """The folder of a dataset."""
    return FOLDER / f"version-2-{kind}-{format_}"


def write_anew(
    kind: str, make_source: Callable[[Path], None], convert_to: Callable[[Path, Path, Format], None]
) -> None:
    """Replaces the datasets of a kind.

    Args:
        kind: What names of their folders say.
        make_source: Makes what they are converted from, in a folder that it is to make.
        convert_to: Converts that folder to a folder, in a format.
    """
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary) / "source"  # its name is in the manifest
        make_source(source)
        for format_ in FORMATS:
            folder = golden_folder(kind, format_)
            shutil.rmtree(folder, ignore_errors=True)
            convert_to(source, folder, format_)
