"""What there is before the files of a job are moved into place."""

from collections import ChainMap
from collections.abc import Iterable, Mapping
from functools import partial
from typing import NamedTuple

from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.schemas.manifest_parts import File
from fitfeed.schemas.storage.failures import taken_less
from fitfeed.schemas.storage.many import at_once, for_each
from fitfeed.schemas.storage.place import Found, Place

STAGED_IN = ("", "kept/", "shards/")
"""Folders of a job from which files are moved. A shard without its duplicates replaces the whole one."""


class Held(NamedTuple):
    """What there is before files are moved into place.

    Attributes:
        files: The files of the dataset by name; None where all that may be there is to be removed, whatever it is: in a folder.
        staged: The files of the job: name below its folder to size.
    """

    files: Mapping[str, Found] | None
    staged: Mapping[str, int]

    def may_have(self, *names: str) -> bool:
        """Whether the dataset may have a file of one of these names."""
        return self.files is None or not self.files.keys().isdisjoint(names)


def find_held(work: WorkFolder) -> Held:
    """Looks at what there is before the files of a job are moved into place.

    Args:
        work: The folder of the job.

    Raises:
        OSError: If it cannot be listed.
    """
    staged, files = at_once(work.dataset, partial(staged_files, work), partial(listed_files, work.dataset))
    return Held(files, staged)


def staged_files(work: WorkFolder) -> dict[str, int]:
    """The files that may have to be moved. In a store, plans and results are not listed: there are as many as shards."""
    if work.root.area().moves_at_once:  # links to folders are not followed
        return {found.name: found.bytes for found in work.root.files(deep=True)}

    def below(folder: str) -> dict[str, int]:
        place = work.root.below(folder.removesuffix("/")) if folder else work.root
        return {f"{folder}{found.name}": found.bytes for found in place.files()}

    return dict(ChainMap(*for_each(work.root, below, STAGED_IN)))


def staged_name(file: str, staged: Mapping[str, int]) -> str | None:
    """Where below the folder of a job the file is that will have this name in the dataset; None if it is in place already."""
    return next((name for name in (f"{folder}{file}" for folder in STAGED_IN) if name in staged), None)


def require_staged(work: WorkFolder, entries: Iterable[File], staged: Mapping[str, int]) -> None:
    """Compares the sizes of staged files, while the dataset that they are to replace is still whole.

    Args:
        work: The folder of the job.
        entries: The files that will be moved.
        staged: The files of the job, to their sizes.

    Raises:
        OSError: If the store has taken less of one than was put.
    """
    for entry in () if work.root.area().moves_at_once else entries:
        name = staged_name(entry.file, staged)
        if name is not None and staged[name] != entry.bytes:
            raise taken_less(entry.bytes, staged[name], work.root.address(name))


def listed_files(dataset: Place) -> dict[str, Found] | None:
    """The files of a dataset in a store; None in a folder, where they are looked for by patterns."""
    return None if dataset.area().moves_at_once else files_by_name(dataset)


def files_by_name(dataset: Place) -> dict[str, Found]:
    """The files of a dataset, as they are now."""
    return {found.name: found for found in dataset.files()}
