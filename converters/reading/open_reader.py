"""Opens the folder of a source for reading. Here it is decided, once, how that is done."""

from pathlib import Path

from fitfeed.converters.reading.far_reader import FarReader
from fitfeed.converters.reading.local_reader import LocalReader
from fitfeed.converters.reading.source_reader import SourceReader
from fitfeed.converters.user_path import UserPath, user_path


def open_reader(folder: str | UserPath) -> SourceReader:
    """Opens a folder. Nothing is read yet.

    Args:
        folder: The folder, or its address.
    """
    path = user_path(folder, "SOURCE")
    return LocalReader(path) if isinstance(path, Path) else FarReader(path)
