"""Opens a file of a dataset after all of it was compared with the manifest."""

import hashlib
import io
from pathlib import Path

from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.files import open_located
from fitfeed.schemas.manifest_parts import File


def open_whole(folder: Path, entry: File) -> io.BufferedReader:
    """Opens a file that has the SHA-256 of the manifest.

    Args:
        folder: The dataset.
        entry: The file, as the manifest has it.

    Raises:
        DamagedDatasetError: If it is missing, leads out of the folder, or is not what was published.
        OSError: If it cannot be read.
    """
    stream = open_located(folder, entry.file)
    if hashlib.file_digest(stream, "sha256").hexdigest() != entry.sha256:
        stream.close()
        msg = f"{folder / entry.file} is not what was published. Restore it, or convert again with --overwrite; `fitfeed verify {folder}` lists all damage."
        raise DamagedDatasetError(msg)
    stream.seek(0)
    return stream
