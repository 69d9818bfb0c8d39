"""From what a user wrote to local files: paths, patterns, and folders of foreign shards."""

import glob
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from fitfeed.converters.inspect.detect import TFRECORD_NAME
from fitfeed.schemas.local_path import local_path
from fitfeed.schemas.manifest import MANIFEST_NAME, WORK_FOLDER

HDF5_SUFFIXES = (".h5", ".hdf5", ".hdf", ".he5", ".mat")
SHARD_NAME = re.compile(r"-\d{3,}-of-\d{3,}")


def local_paths(written: Iterable[str]) -> list[Path]:
    """The datasets and files that are meant, each once.

    Args:
        written: Paths, or patterns such as `'shards/*.tfrecord'`, which a shell has not replaced.

    Raises:
        UsageError: If a path leads to another machine.
    """
    return list(dict.fromkeys(path for one in written for path in _paths(one)))


def _paths(written: str) -> Iterator[Path]:
    path = local_path(written, "PATH")
    if glob.has_magic(written) and not path.exists():
        found = sorted(glob.glob(written, recursive=True))  # noqa: PTH207 - a pattern may be absolute
        for each in found or [written]:  # one that fits nothing is looked for by its name, and not found
            yield from _files(Path(each))
        return
    yield from _files(path)


def _files(path: Path) -> Iterator[Path]:
    """A dataset or file; or the shards in a folder that is not a dataset."""
    if not path.is_dir() or (path / MANIFEST_NAME).exists() or (path / WORK_FOLDER).is_dir():
        yield path
        return
    shards = sorted(entry for entry in path.iterdir() if _is_shard(entry))
    if not shards or any(path.glob("*.index.arrow")):  # a dataset that is damaged, or no dataset
        yield path
    else:
        yield from shards


def _is_shard(path: Path) -> bool:
    is_named = (
        TFRECORD_NAME.search(path.name) is not None
        or path.suffix.lower() in HDF5_SUFFIXES
        or SHARD_NAME.search(path.name) is not None
    )
    return is_named and path.is_file()
