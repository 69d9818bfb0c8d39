"""From what a user wrote to files and datasets: paths, patterns, folders of foreign shards; addresses of these in a store."""

import glob
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

from fitfeed.converters.inspect.detect import TFRECORD_NAME
from fitfeed.converters.inspect.far_file import FileInStore
from fitfeed.schemas.errors import NotFoundError, UsageError
from fitfeed.schemas.manifest import MANIFEST_NAME, WORK_FOLDER
from fitfeed.schemas.storage.failures import failures_named
from fitfeed.schemas.storage.open_place import open_place
from fitfeed.schemas.storage.place import Place

HDF5_SUFFIXES = (".h5", ".hdf5", ".hdf", ".he5", ".mat")
SHARD_NAME = re.compile(r"-\d{3,}-of-\d{3,}")


Inspected: TypeAlias = Path | Place | FileInStore
"""A file or dataset of this machine; or a dataset in a store, or a file there."""


def files_and_datasets(written: Iterable[str]) -> list[Inspected]:
    """The datasets and files that are meant, each once.

    Args:
        written: Paths, or patterns such as `'shards/*.tfrecord'`, which a shell has not replaced; or addresses in object
            stores.

    Raises:
        UsageError: If an address is not that of a store, or the store does not say what is there.
    """
    return list(dict.fromkeys(path for one in written for path in _paths(one)))


def size_of(path: Inspected) -> int | None:
    """Bytes of a file; None for a dataset, of which the manifest is read."""
    if isinstance(path, FileInStore):
        return path.bytes
    return path.stat().st_size if isinstance(path, Path) and path.is_file() else None


def find_file(written: str | os.PathLike[str]) -> Path | FileInStore:
    """A single file.

    Raises:
        NotFoundError: If there is none of this address.
        UsageError: If it is an address of something else than a store, or the store does not answer.
    """
    place = open_place(written, "PATH")
    return place.choose(local=_path_itself, far=_only_far_file)


def _path_itself(path: Path) -> Path | FileInStore:
    return path


def _only_far_file(place: Place) -> FileInStore:
    file = _far_file(place)
    if file is None:
        msg = f"{place} does not exist. Give the address of a TFRecord file or an HDF5 file."
        raise NotFoundError(msg)
    return file


def _paths(written: str) -> Iterator[Inspected]:
    yield from open_place(written, "PATH").choose(
        local=lambda path: _on_this_machine(path, written), far=lambda place: _in_store(place, written)
    )


def _on_this_machine(path: Path, written: str) -> Iterator[Inspected]:
    """Of each file that fits a pattern, or of this path."""
    if glob.has_magic(written) and not path.exists():
        found = sorted(glob.glob(written, recursive=True))  # noqa: PTH207 - a pattern may be absolute
        for each in found or [written]:  # one that fits nothing is looked for by its name, and not found
            yield from _files(Path(each))
        return
    yield from _files(path)


def _in_store(place: Place, written: str) -> Iterator[Place | FileInStore]:
    """A dataset or file; or the shards in a folder that is not a dataset."""
    if glob.has_magic(written):
        msg = f"PATH {written} is a pattern, and patterns are for files of this machine. Give the address of the folder, or of a file."
        raise UsageError(msg)
    if _has_manifest(place):
        yield place
        return
    file = _far_file(place)
    if file is not None:
        yield file
        return
    with failures_named("cannot list PATH", place, UsageError):
        listed = [] if place.area().has_folder(WORK_FOLDER) else list(place.files())
    shards = sorted(found for found in listed if _has_name_of_shard(found.name))
    if not shards or any(found.name.endswith(".index.arrow") for found in listed):
        yield place  # a dataset that is damaged, or no dataset
    else:
        yield from (FileInStore(place, found.name, found.bytes) for found in shards)


def _has_manifest(place: Place) -> bool:
    try:
        place.find(MANIFEST_NAME)
    except OSError as error:  # any other: reading it says why
        return not isinstance(error, FileNotFoundError)
    return True


def _far_file(place: Place) -> FileInStore | None:
    """The file of this address; None if there is none."""
    folder, name = place.split()
    if not name:
        return None
    with failures_named("cannot read PATH", place, UsageError):
        try:
            return FileInStore(folder, name, folder.find(name).bytes)
        except FileNotFoundError:
            return None


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
