"""Reads the bytes of an image or a mask that a dataset has stored, as conversion reads a file.

The dataset may be anybody's: only its own files are opened, and no more is read than the index says.
"""

import os
from pathlib import Path

import google_crc32c

from fitfeed.converters.rejects import ImageError
from fitfeed.converters.source_file import SourceFile, StoredAt
from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.files import open_located, pread_all


def read_stored(file: SourceFile, stored: StoredAt, folder: Path, *, most: int) -> bytes:
    """Reads what a dataset has stored of an image or a mask.

    Args:
        file: The example, as it was listed.
        stored: Where it is.
        folder: The dataset.
        most: Bytes that it may have.

    Raises:
        ImageError: If it is not there, is not what was stored, or is too large to be an image.
        OSError: If it cannot be read.
    """
    if file.bytes > most:
        raise ImageError("bomb", f"it has more than {most} bytes, more than any image that is allowed")
    try:
        stream = open_located(folder, stored.shard)
    except DamagedDatasetError as error:
        detail = f"its shard {stored.shard} is missing, or is not a file of the dataset's folder"
        raise ImageError("vanished", detail) from error
    with stream:
        data = pread_all(stream.fileno(), stored.offset, file.bytes)
        changed = os.fstat(stream.fileno()).st_mtime_ns != file.mtime_ns
    if len(data) == file.bytes and google_crc32c.value(data) == stored.crc32c:
        return data
    if changed:
        detail = f"its shard {stored.shard} was changed after it was listed; run the same command again to take it as it is now"
        raise ImageError("vanished", detail)
    if len(data) < file.bytes:
        detail = f"its shard {stored.shard} ends after {len(data)} of its {file.bytes} bytes"
        raise ImageError("truncated", detail)
    detail = f"its bytes in {stored.shard} are not those that were stored (the CRC-32C differs)"
    raise ImageError("corrupt", detail)
