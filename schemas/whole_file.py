"""Opens a file of a dataset after all of it was compared with the manifest."""

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager

from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.manifest_parts import File
from fitfeed.schemas.storage.open_file import open_file
from fitfeed.schemas.storage.open_place import open_place
from fitfeed.schemas.storage.place import Place


@contextmanager
def open_whole(dataset: str | os.PathLike[str] | Place, entry: File) -> Iterator[io.BufferedReader]:
    """Opens a file that has the SHA-256 of the manifest.

    Args:
        dataset: The dataset.
        entry: The file, as the manifest has it.

    Raises:
        DamagedDatasetError: If it is missing, leads out of the folder, or is not what was published.
        OSError: If it cannot be read.
    """
    place = open_place(dataset, "DATASET")
    with open_file(place, entry.file) as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() != entry.sha256:
            msg = f"{place.address(entry.file)} is not what was published. Restore it, or convert again with --overwrite; `fitfeed verify {place}` lists all damage."
            raise DamagedDatasetError(msg)
        stream.seek(0)
        yield stream
