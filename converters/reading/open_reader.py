"""Opens the folder of a source for reading. Here it is decided, once, how that is done."""

from pathlib import Path

from fitfeed.converters.reading.far_reader import FarReader
from fitfeed.converters.reading.far_stored_reader import FarStoredReader
from fitfeed.converters.reading.local_reader import LocalReader
from fitfeed.converters.reading.source_reader import SourceReader
from fitfeed.converters.reading.stored_reader import StoredReader
from fitfeed.converters.user_path import UserPath, user_path


def open_reader(folder: str | UserPath, *, stored: bool = False) -> SourceReader:
    """Opens a folder. Nothing is read yet.

    Args:
        folder: The folder, or its address.
        stored: Whether its files are examples of a dataset there.
    """
    path = user_path(folder, "SOURCE")
    if isinstance(path, Path):
        return StoredReader(path) if stored else LocalReader(path)
    return FarStoredReader(path) if stored else FarReader(path)
