"""The bytes of an image or a mask that a dataset has stored: whether they are those that its index names.

The dataset may be anybody's: only its own files are opened, and no more is read than the index says.
"""

import os
from collections.abc import Callable
from pathlib import Path

import google_crc32c

from fitfeed.converters.rejects import ImageError
from fitfeed.converters.source_file import SourceFile, StoredAt
from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.files import open_located, pread_all


def read_stored(file: SourceFile, stored: StoredAt, folder: Path, *, most: int) -> bytes:
    """Reads what a dataset of this machine has stored of an image or a mask.

    Args:
        file: The example, as it was listed.
        stored: Where it is.
        folder: The dataset.
        most: Bytes that it may have.

    Raises:
        ImageError: If it is not there, is not what was stored, or is too large to be an image.
        OSError: If it cannot be read.
    """
    require_size(file, most)
    try:
        stream = open_located(folder, stored.shard)
    except DamagedDatasetError as error:
        raise shard_missing(stored) from error
    with stream:
        data = pread_all(stream.fileno(), stored.offset, file.bytes)
        changed = os.fstat(stream.fileno()).st_mtime_ns != file.mtime_ns
    return require_stored(data, file, stored, lambda: changed)


def stored_at(file: SourceFile) -> StoredAt:
    """Where a dataset has the bytes of an example.

    Raises:
        ValueError: If it is a file.
    """
    if file.stored is None:
        msg = f"{file.path} is not an example of a dataset"
        raise ValueError(msg)
    return file.stored


def require_size(file: SourceFile, most: int) -> None:
    """Refuses what is too large to be an image, before it is read.

    Raises:
        ImageError: If it is.
    """
    if file.bytes > most:
        raise ImageError("bomb", f"it has more than {most} bytes, more than any image that is allowed")


def require_stored(data: bytes, file: SourceFile, stored: StoredAt, changed: Callable[[], bool]) -> bytes:
    """Compares what was read with what was stored, and returns it.

    Args:
        data: What was read.
        file: The example, as it was listed.
        stored: Where it is.
        changed: Finds out whether the shard is another one by now.

    Raises:
        ImageError: If it is something else.
    """
    if len(data) == file.bytes and google_crc32c.value(data) == stored.crc32c:
        return data
    if changed():
        raise shard_changed(stored)
    if len(data) < file.bytes:
        detail = f"its shard {stored.shard} ends after {len(data)} of its {file.bytes} bytes"
        raise ImageError("truncated", detail)
    detail = f"its bytes in {stored.shard} are not those that were stored (the CRC-32C differs)"
    raise ImageError("corrupt", detail)


def shard_missing(stored: StoredAt) -> ImageError:
    """What an example is rejected for whose shard is not there."""
    detail = f"its shard {stored.shard} is missing, or is not a file of the dataset's folder"
    return ImageError("vanished", detail)


def shard_changed(stored: StoredAt) -> ImageError:
    """What an example is rejected for whose shard is another one by now."""
    detail = f"its shard {stored.shard} was changed after it was listed; run the same command again to take it as it is now"
    return ImageError("vanished", detail)
