"""From what a user wrote to files and datasets: paths, patterns, folders of foreign shards, addresses of datasets."""

import glob
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from fitfeed.converters.inspect.detect import TFRECORD_NAME
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.manifest import MANIFEST_NAME, WORK_FOLDER
from fitfeed.schemas.storage.open_place import open_place
from fitfeed.schemas.storage.place import Place

HDF5_SUFFIXES = (".h5", ".hdf5", ".hdf", ".he5", ".mat")
SHARD_NAME = re.compile(r"-\d{3,}-of-\d{3,}")


def files_and_datasets(written: Iterable[str]) -> list[Path | Place]:
    """The datasets and files that are meant, each once.

    Args:
        written: Paths, or patterns such as `'shards/*.tfrecord'`, which a shell has not replaced; or addresses of datasets
            in object stores.

    Raises:
        UsageError: If an address is not that of a store.
    """
    return list(dict.fromkeys(path for one in written for path in _paths(one)))


def _paths(written: str) -> Iterator[Path | Place]:
    place = open_place(written, "PATH")
    path = place.local_folder
    if path is None:
        _require_dataset(place.split()[1], written)
        yield place
        return
    if glob.has_magic(written) and not path.exists():
        found = sorted(glob.glob(written, recursive=True))  # noqa: PTH207 - a pattern may be absolute
        for each in found or [written]:  # one that fits nothing is looked for by its name, and not found
            yield from _files(Path(each))
        return
    yield from _files(path)


def _require_dataset(name: str, written: str) -> None:
    if glob.has_magic(name) or _has_name_of_shard(name):
        msg = f"PATH {written} is an address of files, and only datasets are inspected in a store. Copy the files to this machine, or give the address of the folder with the {MANIFEST_NAME}."
        raise UsageError(msg)


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
    return _has_name_of_shard(path.name) and path.is_file()


def _has_name_of_shard(name: str) -> bool:
    return (
        TFRECORD_NAME.search(name) is not None
        or Path(name).suffix.lower() in HDF5_SUFFIXES
        or SHARD_NAME.search(name) is not None
    )
