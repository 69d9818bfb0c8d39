"""Publishing images that join a dataset: its manifest changes in one step, and nothing else of it does.

```
new shards        under names that no reader knows yet
train.append.index.arrow, rejects.append.jsonl    beside the old ones
manifest.json     replaced: from now on the dataset is the new one
train.index.arrow, rejects.jsonl                  replaced by copies of those, which no manifest names now
manifest.json     replaced once more, by one that names these
```

Whatever moment the machine dies at, the manifest that is there names files that are whole.
"""

import shutil
from collections.abc import Mapping, Sequence

from fitfeed.converters.planning.base_dataset import BaseDataset
from fitfeed.converters.publishing.union import write_union
from fitfeed.converters.rejects import Reject, to_json_lines
from fitfeed.converters.staging.folder import STAGED_REJECTS, WorkFolder, move_into
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.results import ShardResult
from fitfeed.schemas.files import atomic_write, sync_file, sync_folder
from fitfeed.schemas.manifest import MANIFEST_NAME, REJECTS_NAME, Manifest, fingerprint_of
from fitfeed.schemas.manifest_parts import File
from fitfeed.schemas.sharding import index_file_name


def staged_index(split: str) -> str:
    """What a split's new index is called until the old one is no longer needed."""
    return f"{split}.append.index.arrow"


def publish_append(
    work: WorkFolder,
    job: Job,
    existing: BaseDataset,
    results: Sequence[ShardResult],
    rejects: Sequence[Reject],
    copies: dict[str, int],
) -> None:
    """Adds finished shards to a dataset, or does nothing if they say nothing new.

    Interrupted at any moment, the old dataset or the new one is there, whole.

    Args:
        work: The working folder.
        job: The job, which appends.
        existing: The dataset.
        results: Of every shard, by number, without dropped duplicates.
        rejects: What this job rejected and ignored.
        copies: Duplicates among the images that were added: see `DuplicateReport`.

    Raises:
        OSError: If a file cannot be written.
    """
    added = {
        split: [results[number] for number in numbers if results[number].shard.examples]
        for split, numbers in job.splits.items()
    }
    added = {split: shards for split, shards in added.items() if shards}
    retried = frozenset(() if job.base is None else job.base.retried)
    listed = [*(reject for reject in existing.rejects if reject.path not in retried), *rejects]
    if not added and to_json_lines(listed) == to_json_lines(existing.rejects):
        return
    manifest = write_union(
        work, job, existing, added, listed, copies, index_name=staged_index, rejects_name=STAGED_REJECTS
    )
    atomic_write(work.root / MANIFEST_NAME, manifest.to_json())
    held = {entry.file for entry in existing.manifest.files()}
    move_into(work, [entry.file for entry in manifest.files() if entry.file not in held])
    sync_folder(work.dataset)
    (work.root / MANIFEST_NAME).replace(work.dataset / MANIFEST_NAME)
    sync_folder(work.dataset)
    settle(work, manifest)


def settle(work: WorkFolder, manifest: Manifest) -> Manifest:
    """Gives the files of a dataset that images were appended to the names that every dataset has.

    Interrupted at any moment and called again, it ends with the same files.

    Args:
        work: The working folder.
        manifest: Of the dataset.

    Returns:
        The dataset's manifest now.

    Raises:
        OSError: If a file cannot be written.
    """
    plain = {split.index.file: index_file_name(name) for name, split in manifest.splits.items()}
    plain[manifest.rejects_file.file] = REJECTS_NAME
    staged = {old: new for old, new in plain.items() if old != new}
    if not staged:
        _remove_staged(work)
        return manifest
    for old, new in staged.items():  # copied, because the manifest still names them
        temporary = work.root / f"{new}.tmp-copy"
        shutil.copyfile(work.dataset / old, temporary)
        sync_file(temporary)
        temporary.replace(work.dataset / new)
    settled = _renamed(manifest, staged)
    atomic_write(work.root / MANIFEST_NAME, settled.to_json())
    sync_folder(work.dataset)
    (work.root / MANIFEST_NAME).replace(work.dataset / MANIFEST_NAME)
    sync_folder(work.dataset)
    _remove_staged(work)
    _remove_abandoned(work, settled)
    return settled


def _remove_staged(work: WorkFolder) -> None:
    """Removes what an interruption left of the first names. Shards stay: they may be in place already."""
    for path in [*work.dataset.glob(staged_index("*")), work.dataset / STAGED_REJECTS]:
        path.unlink(missing_ok=True)


def _remove_abandoned(work: WorkFolder, manifest: Manifest) -> None:
    """Removes shards that an append put in place before it died, and that the next one did not continue."""
    shards = {entry.file for split in manifest.splits.values() for entry in split.shards}
    for name in manifest.splits:
        for path in work.dataset.glob(f"{name}-*-of-*.{manifest.shard_extension}"):
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
