"""How finished files become a dataset: two orders of moves, and the names that files have meanwhile.

At any moment, even if the machine stops, a manifest that is there names files that are whole.
"""

import shutil
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.schemas.files import atomic_write, open_located, sync_file, sync_folder
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

STAGED_REJECTS = "rejects.append.jsonl"
"""What the list of rejects of an append is called until the old list is no longer needed."""


def staged_index(split: str) -> str:
    """What a split's new index is called until the old one is no longer needed."""
    return f"{split}.append.index.arrow"


def replace_dataset(work: WorkFolder, manifest: Manifest) -> None:
    """Makes the files of a job a dataset, and replaces any dataset that is there.

    ```
    manifest.json     removed: from now on there is an unfinished conversion
    rejects.jsonl, indexes, shards, the tables beside them    moved into place
    files of the old dataset    removed
    manifest.json     written: the dataset is complete
    ```

    If it is interrupted at any moment and called again, it ends with the same files, provided that `kept/` was filled
    again.
    """
    (work.dataset / MANIFEST_NAME).unlink(missing_ok=True)
    files = [entry.file for entry in manifest.files()]
    _move_into(work, [*files, *SIDE_TABLES])
    _remove_leftovers(work.dataset, keep=set(files))
    sync_folder(work.dataset)
    _put_manifest(work.dataset, manifest)


def join_dataset(work: WorkFolder, manifest: Manifest, held: Manifest) -> None:
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
    """
    old = {entry.file for entry in held.files()}
    # The tables beside the dataset may speak of images that are not in it yet, and must not lack those that are.
    _move_into(work, [*(entry.file for entry in manifest.files() if entry.file not in old), *SIDE_TABLES])
    sync_folder(work.dataset)
    _put_manifest(work.dataset, manifest)


def replace_sources(work: WorkFolder) -> None:
    """Moves what is known of the source's files into place."""
    _move_into(work, [SOURCES_NAME])


def settle_names(dataset: Path, manifest: Manifest) -> Manifest:
    """Gives the files of a dataset that images were appended to the names that every dataset has.

    ```
    train.index.arrow, rejects.jsonl    replaced by copies of the new ones; no manifest names the old ones now
    manifest.json     replaced once more, by one that names these
    ```

    If it is interrupted at any moment and called again, it ends with the same files.

    Args:
        dataset: Folder of the dataset, in which its staging area still is.
        manifest: Its manifest.

    Returns:
        The dataset's manifest now.
    """
    plain = {split.index.file: index_file_name(name) for name, split in manifest.splits.items()}
    plain[manifest.rejects_file.file] = REJECTS_NAME
    staged = {old: new for old, new in plain.items() if old != new}
    if not staged:
        _remove_staged(dataset)
        return manifest
    for old, new in staged.items():  # copied, because the manifest still names them
        temporary = dataset / WORK_FOLDER / f"{new}.tmp-copy"
        temporary.unlink(missing_ok=True)
        with open_located(dataset, old) as source, temporary.open("xb") as target:
            shutil.copyfileobj(source, target)
        sync_file(temporary)
        temporary.replace(dataset / new)
    sync_folder(dataset)
    settled = _renamed(manifest, staged)
    _put_manifest(dataset, settled)
    _remove_staged(dataset)
    _remove_abandoned(dataset, settled)
    return settled


def _put_manifest(dataset: Path, manifest: Manifest) -> None:
    """Replaces the manifest in one step. It is written in the staging area first."""
    written = dataset / WORK_FOLDER / MANIFEST_NAME
    atomic_write(written, manifest.to_json())
    written.replace(dataset / MANIFEST_NAME)
    sync_folder(dataset)


def _move_into(work: WorkFolder, names: Iterable[str]) -> None:
    """Moves finished files to the dataset. If it is called again after an interruption, it continues."""
    for name in names:
        for folder in (work.root, work.kept, work.shards):
            if (folder / name).exists():  # if not, an interrupted publication moved it already
                (folder / name).replace(work.dataset / name)
                break  # a shard without its duplicates replaces the whole one


def _remove_leftovers(dataset: Path, keep: Collection[str]) -> None:
    """Removes files of other conversions from a dataset's folder, and no file that is not of a dataset."""
    for pattern in (*DATASET_PATTERNS, STAGED_REJECTS):
        for path in dataset.glob(pattern):
            if path.name not in keep:
                path.unlink()


def _remove_staged(dataset: Path) -> None:
    """Removes files with first names that an interruption left. Shards stay, because they may be in place already."""
    for path in [*dataset.glob(staged_index("*")), dataset / STAGED_REJECTS]:
        path.unlink(missing_ok=True)


def _remove_abandoned(dataset: Path, manifest: Manifest) -> None:
    """Removes shards that an append put in place before it was killed, and that the next one did not continue."""
    shards = {entry.file for split in manifest.splits.values() for entry in split.shards}
    for name in manifest.splits:
        for path in dataset.glob(f"{name}-*-of-*.{manifest.shard_extension}"):
            if path.name not in shards:
                path.unlink()


def _renamed(manifest: Manifest, names: Mapping[str, str]) -> Manifest:
    def rename(entry: File) -> File:
        return entry.model_copy(update={"file": names.get(entry.file, entry.file)})

    splits = {
        name: split.model_copy(update={"index": rename(split.index)})
        for name, split in manifest.splits.items()
    }
    renamed = manifest.model_copy(update={"splits": splits, "rejects_file": rename(manifest.rejects_file)})
    return renamed.model_copy(update={"fingerprint": fingerprint_of(renamed)})
