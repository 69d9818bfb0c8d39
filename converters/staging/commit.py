"""How finished files become a dataset: two orders of moves, and the names that files have meanwhile.

At any moment, even if the machine stops, a manifest that is there names files that are whole.
"""

import errno
from collections.abc import Callable, Collection, Iterable, Mapping
from fnmatch import fnmatchcase
from functools import partial
from types import MappingProxyType

from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.held import (
    Held,
    files_by_name,
    find_held,
    listed_files,
    require_staged,
    staged_files,
    staged_name,
)
from fitfeed.converters.staging.result_check import file_identity, is_whole
from fitfeed.converters.staging.tfds_place import put_tfds_files, remove_tfds_files
from fitfeed.schemas.manifest import (
    MANIFEST_NAME,
    REJECTS_NAME,
    WORK_FOLDER,
    Manifest,
    fingerprint_of,
)
from fitfeed.schemas.manifest_parts import File
from fitfeed.schemas.sharding import DATASET_PATTERNS, index_file_name
from fitfeed.schemas.side_tables import SIDE_TABLES, SOURCES_NAME
from fitfeed.schemas.storage.failures import require_size, taken_less
from fitfeed.schemas.storage.many import at_once, for_each
from fitfeed.schemas.storage.place import Found, Place
from fitfeed.schemas.tfds_info import TFDS_NAMES

NOTHING: Mapping[str, str] = MappingProxyType({})

STAGED_REJECTS = "rejects.append.jsonl"
"""What the list of rejects of an append is called until the old list is no longer needed."""


def staged_index(split: str) -> str:
    """What a split's new index is called until the old one is no longer needed."""
    return f"{split}.append.index.arrow"


def copy_sources(work: WorkFolder, found: Found | None, require_ours: Callable[[], None]) -> None:
    """Copies what is known of the source's files to a dataset in a store: no manifest names it.

    Args:
        work: The folder of the job.
        found: Its file there; None if nothing is known.
        require_ours: Raises an error if another launch has begun meanwhile.

    Raises:
        OSError: If it cannot be copied.
    """
    if found is not None:
        require_ours()
        name = f"{WORK_FOLDER}/{work.digest}/{SOURCES_NAME}"
        work.dataset.copy(name, SOURCES_NAME, through=SOURCES_NAME, size=found.bytes)


def replace_dataset(
    work: WorkFolder,
    manifest: Manifest,
    *,
    held: Held | None = None,
    only_shards: bool = False,
    in_place: Mapping[str, str] = NOTHING,
    require_ours: Callable[[], None] = lambda: None,
) -> None:
    """Makes the files of a job a dataset, and replaces any dataset that is there.

    ```
    manifest.json     removed: from now on there is an unfinished conversion
    features.json, dataset_info.json    removed
    rejects.jsonl, indexes, shards, the tables beside them    moved into place
    files of the old dataset    removed
    manifest.json     written: the dataset is complete
    features.json, dataset_info.json    written
    ```

    If it is interrupted at any moment and called again, it ends with the same files, provided that `kept/` was filled
    again.

    Args:
        work: The folder of the job.
        manifest: The manifest of the dataset.
        held: What there is, if that was found out a moment ago.
        only_shards: Whether nothing but shards may have to be moved: all else has its final name already.
        in_place: Files that have their final names already, to what identifies them: see `put_manifest`.
        require_ours: Raises an error if another launch has begun meanwhile. Then nothing is removed that may be its own.

    Raises:
        FileExistsError: If another launch has published meanwhile.
        OSError: If a file cannot be written.
    """
    held = held or find_held(work)
    files = [entry.file for entry in manifest.files()]
    moving = _shards_of(manifest) if only_shards else [*files, *SIDE_TABLES]
    # And of these alone: a run that was refused may have left lists that this one has put beside the shards.
    require_staged(work, [entry for entry in manifest.files() if entry.file in set(moving)], held.staged)
    if held.may_have(MANIFEST_NAME):
        work.dataset.delete(MANIFEST_NAME)
    if held.may_have(*TFDS_NAMES):
        remove_tfds_files(work.dataset)
    moved = _move_into(work, moving, held.staged)
    listed = held.files
    if moved or held.may_have(MANIFEST_NAME, *TFDS_NAMES):  # that may have taken long, in a store
        _, listed = at_once(work.dataset, require_ours, partial(listed_files, work.dataset))
    _remove_leftovers(work.dataset, listed, keep=set(files))
    work.dataset.area().sync()
    put_manifest(work.dataset, manifest, identity=None, known={**in_place, **moved})
    # And not earlier: another launch may have won.
    put_tfds_files(work.dataset, manifest, are_new=not held.may_have(*TFDS_NAMES))


def join_dataset(
    work: WorkFolder,
    manifest: Manifest,
    held: Manifest,
    *,
    identity: str | None,
    in_place: Mapping[str, str] = NOTHING,
) -> None:
    """Adds the files of a job to a dataset: its manifest changes in one step, and nothing else of it does.

    ```
    new shards        under names that no reader knows yet
    train.append.index.arrow, rejects.append.jsonl    beside the old ones
    sources.arrow, duplicates.arrow    replaced; no manifest names them
    manifest.json     replaced: from now on the dataset is the new one
    ```

    Args:
        work: The folder of the job.
        manifest: Manifest of the union, with the names that files have until `settle_names`.
        held: Manifest of the dataset as it is.
        identity: Of the file of that manifest.
        in_place: Files that have their final names already, to what identifies them: see `put_manifest`.

    Raises:
        FileExistsError: If it is another one now.
        OSError: If a file cannot be written.
    """
    old = {entry.file for entry in held.files()}
    # The tables beside the dataset may speak of images that are not in it yet, and must not lack those that are.
    new = [entry.file for entry in manifest.files() if entry.file not in old]
    moved = _move_into(work, [*new, *SIDE_TABLES], staged_files(work))
    work.dataset.area().sync()
    put_manifest(work.dataset, manifest, identity=identity, known={**in_place, **moved})


def replace_sources(work: WorkFolder, manifest: Manifest) -> None:
    """Moves what is known of the source's files into place, where an append adds nothing to a dataset.

    Args:
        work: The folder of the job.
        manifest: The manifest of the dataset.

    Raises:
        OSError: If a file cannot be moved or removed.
    """
    _move_into(work, [SOURCES_NAME], staged_files(work))
    _remove_abandoned(work.dataset, manifest)  # in a store, shards whose images were all left out are there


def settle_names(dataset: Place, manifest: Manifest, *, identity: str | None) -> Manifest:
    """Gives the files of a dataset that images were appended to the names that every dataset has.

    ```
    train.index.arrow, rejects.jsonl    replaced by copies of the new ones; no manifest names the old ones now
    manifest.json     replaced once more, by one that names these
    features.json, dataset_info.json    replaced; until now they were the old dataset's, all of which is still there
    ```

    If it is interrupted at any moment and called again, it ends with the same files.

    Args:
        dataset: The dataset, in which its staging area still is.
        manifest: Its manifest.
        identity: Of the file of the manifest.

    Returns:
        The dataset's manifest now.

    Raises:
        FileExistsError: If the manifest is another one now.
        OSError: If a file cannot be written.
    """
    plain = {split.index.file: index_file_name(name) for name, split in manifest.splits.items()}
    plain[manifest.rejects_file.file] = REJECTS_NAME
    staged = {old: new for old, new in plain.items() if old != new}
    if not staged:
        _remove_staged(dataset)
        put_tfds_files(dataset, manifest)
        return manifest
    copied = {  # and not moved, because the manifest still names them
        new: file_identity(dataset.copy(old, new, through=f"{WORK_FOLDER}/{new}"))
        for old, new in staged.items()
    }
    dataset.area().sync()
    settled = _renamed(manifest, staged)
    put_manifest(dataset, settled, identity=identity, known=copied)
    _remove_staged(dataset)
    _remove_abandoned(dataset, settled)
    put_tfds_files(dataset, settled)
    return settled


def put_manifest(
    dataset: Place,
    manifest: Manifest,
    *,
    identity: str | None,
    known: Mapping[str, str] = NOTHING,
) -> None:
    """Replaces the manifest in one step.

    In a folder it is written in the staging area first, whose lock keeps others out. In a store it is put on the
    condition that no other launch has published.

    Args:
        dataset: The dataset.
        manifest: The new manifest.
        identity: Of the manifest that it replaces; None if there is none.
        known: Files that the manifest names, to the `file_identity` that each had when it was compared or written. In a
            store they must have it still.

    Raises:
        FileExistsError: If the manifest is another one, or one of the files.
        OSError: If it cannot be written.
    """
    content = manifest.to_json().encode()
    if not dataset.area().moves_at_once:
        _require_files(dataset, manifest, known)
        require_size(dataset, dataset.write_if(MANIFEST_NAME, content, identity=identity))
        return
    dataset.below(WORK_FOLDER).write(MANIFEST_NAME, content)
    _require_replaced(dataset, identity)  # the lock is the command's: a job on an engine may outlive it
    dataset.move(f"{WORK_FOLDER}/{MANIFEST_NAME}", MANIFEST_NAME)
    dataset.area().sync()


def _require_replaced(dataset: Place, identity: str | None) -> None:
    """Checks that the manifest is still the one that is to be replaced.

    Raises:
        FileExistsError: If another launch has published.
    """
    try:
        now = dataset.find(MANIFEST_NAME).identity
    except FileNotFoundError:
        now = None
    if now != identity:
        raise FileExistsError(errno.EEXIST, "another launch has replaced it", dataset.address(MANIFEST_NAME))


def _require_files(dataset: Place, manifest: Manifest, known: Mapping[str, str]) -> None:
    """Looks once more at all that a manifest will name. Only what was replaced since it was compared is read.

    A launch that was taken for dead may have lost it to the next. And one of its workers, which was frozen just before it put
    its shard, may wake and replace that of the next. A second attempt of an engine at a shard of this job does no harm: it has
    the same bytes.

    Raises:
        FileExistsError: If a file is missing, or is another one.
        OSError: If the store has taken less of it than was put.
    """
    listed = files_by_name(dataset)  # now, and not earlier: removing leftovers may have taken long

    def require(entry: File) -> None:
        found = listed.get(entry.file)
        if found and found.bytes != entry.bytes and known.get(entry.file) == file_identity(found):
            raise taken_less(entry.bytes, found.bytes, dataset.address(entry.file))
        if found is None or found.bytes != entry.bytes or not _is_same(dataset, found, entry, known):
            raise FileExistsError(errno.EEXIST, "another launch has replaced it", dataset.address(entry.file))

    for_each(dataset, require, manifest.files())


def _is_same(dataset: Place, found: Found, entry: File, known: Mapping[str, str]) -> bool:
    identity = file_identity(found)
    return known.get(entry.file, identity) == identity or is_whole(dataset, entry, identity="")


def _move_into(work: WorkFolder, names: Iterable[str], staged: Mapping[str, int]) -> dict[str, str]:
    """Moves finished files to the dataset. If it is called again after an interruption, it continues.

    Args:
        work: The folder of the job.
        names: The files of the dataset.
        staged: The files of the job, to their sizes.

    Returns:
        Name of each file that was moved to its `file_identity`.
    """

    def move(name: str) -> Found | None:
        held = staged_name(name, staged)
        if held is None:
            return None
        return work.dataset.move(f"{WORK_FOLDER}/{work.digest}/{held}", name, size=staged[held])

    moved = for_each(work.dataset, move, names)
    return {found.name: file_identity(found) for found in moved if found is not None}


def _remove_leftovers(dataset: Place, listed: Mapping[str, Found] | None, keep: Collection[str]) -> None:
    """Removes files of other conversions from a dataset's folder, and no file that is not of a dataset."""
    patterns = [*DATASET_PATTERNS, STAGED_REJECTS]
    if listed is None:
        _remove(dataset, patterns, keep=keep)
        return
    left = {name for name in listed if any(fnmatchcase(name, pattern) for pattern in patterns)}
    for_each(dataset, dataset.delete, sorted(left.difference(keep)))


def _remove_staged(dataset: Place) -> None:
    """Removes files with first names that an interruption left. Shards stay, because they may be in place already."""
    _remove(dataset, [staged_index("*"), STAGED_REJECTS])


def _remove_abandoned(dataset: Place, manifest: Manifest) -> None:
    """Removes shards that an append put in place, and that no manifest will name: it was killed, or left all images out."""
    patterns = [f"{name}-*-of-*.{manifest.shard_extension}" for name in manifest.splits]
    _remove(dataset, patterns, keep=_shards_of(manifest))


def _shards_of(manifest: Manifest) -> list[str]:
    return [entry.file for split in manifest.splits.values() for entry in split.shards]


def _remove(dataset: Place, patterns: Iterable[str], keep: Collection[str] = ()) -> None:
    """Removes the files of a dataset whose names have one of the patterns."""
    for_each(dataset, dataset.delete, sorted(dataset.area().names(patterns).difference(keep)))


def _renamed(manifest: Manifest, names: Mapping[str, str]) -> Manifest:
    def rename(entry: File) -> File:
        return entry.model_copy(update={"file": names.get(entry.file, entry.file)})

    splits = {
        name: split.model_copy(update={"index": rename(split.index)})
        for name, split in manifest.splits.items()
    }
    renamed = manifest.model_copy(update={"splits": splits, "rejects_file": rename(manifest.rejects_file)})
    return renamed.model_copy(update={"fingerprint": fingerprint_of(renamed)})
