"""The options of the cache: `cache=` and `cache_size=`."""

import os
from pathlib import Path
from typing import NamedTuple

from pydantic import ByteSize, TypeAdapter, ValidationError

from fitfeed.pipelines.reading.block_cache import BLOCK
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.local_path import local_path


class CacheOptions(NamedTuple):
    """Where blocks of shards are kept.

    Attributes:
        folder: A folder of this machine.
        limit: Bytes that it may have; None: as many as fit.
    """

    folder: Path
    limit: int | None


def cache_options(folder: str | os.PathLike[str] | None, size: str | int | None) -> CacheOptions | None:
    """Checks the options.

    Args:
        folder: As for `open_dataset`.
        size: As for `open_dataset`.

    Returns:
        Options; None if there is no cache.

    Raises:
        UsageError: If one is wrong, or a size is given without a folder.
    """
    if folder is None:
        if size is not None:
            msg = f"cache_size limits the folder cache=, which is not given. Received: cache_size={size!r}. Pass cache=FOLDER, too."
            raise UsageError(msg)
        return None
    return CacheOptions(local_path(folder, "cache").absolute(), None if size is None else _bytes(size))


def _bytes(size: str | int) -> int:
    try:
        limit = int(TypeAdapter(ByteSize).validate_python(size))
    except ValidationError:
        limit = 0
    if limit < BLOCK or isinstance(size, bool):
        msg = f"cache_size expects a number of bytes, such as '100GB', of {BLOCK} or more. Received: cache_size={size!r}"
        raise UsageError(msg)
    return limit
