"""Opens the folder of a source for reading: of this machine, or in a store."""

from fitfeed.converters.reading.far_reader import FarReader
from fitfeed.converters.reading.far_stored_reader import FarStoredReader
from fitfeed.converters.reading.local_reader import LocalReader
from fitfeed.converters.reading.source_reader import SourceReader
from fitfeed.converters.reading.stored_reader import StoredReader
from fitfeed.schemas.storage.open_place import GivenPath, open_place


def open_reader(folder: GivenPath, *, stored: bool = False) -> SourceReader:
    """Opens a folder. Nothing is read yet.

    Args:
        folder: The folder, or its address.
        stored: Whether its files are examples of a dataset there.
    """
    place = open_place(folder, "SOURCE")
    if stored:
        return place.choose(local=StoredReader, far=FarStoredReader)
    return place.choose(local=LocalReader, far=FarReader)
