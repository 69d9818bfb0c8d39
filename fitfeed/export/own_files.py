"""Tells the files that an export wrote from those of others, who may use the same names."""

import os
from pathlib import Path

from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.files import RefusedFileError, open_plain

MARK = "fitfeed: Dataset.export_croissant"
"""Both files have it: the description at its beginning, the table in what Parquet keeps at its end."""

EDGE_BYTES = 1 << 20
"""The mark is among so many first or last bytes. After it, Parquet writes some 70 bytes for each column."""


def require_ours(path: Path) -> None:
    """Checks that an export replaces nothing of somebody else's.

    Args:
        path: A file that is about to be written. It need not exist.

    Raises:
        UsageError: If something has its name that no export wrote.
        OSError: If it cannot be read.
    """
    try:
        with open_plain(path) as stream:
            beginning = os.pread(stream.fileno(), EDGE_BYTES, 0)
            size = os.fstat(stream.fileno()).st_size
            end = os.pread(stream.fileno(), EDGE_BYTES, max(0, size - EDGE_BYTES))
    except (FileNotFoundError, NotADirectoryError):
        return
    except RefusedFileError:  # a folder, a link, a pipe
        beginning = end = b""
    if MARK.encode() not in beginning and MARK.encode() not in end:
        msg = f"{path} was not written by an export of fitfeed, and is not replaced. Move it away, or name another folder: export_croissant('FOLDER')."
        raise UsageError(msg)
