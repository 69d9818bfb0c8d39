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
from typing import Any

from fitfeed.converters.planning.base_dataset import BaseDataset
from fitfeed.converters.publishing.split_index import file_entry, write_split
from fitfeed.converters.rejects import Reject, count_reasons, to_json_lines
from fitfeed.converters.staging.folder import STAGED_REJECTS, WorkFolder, move_into
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.results import ShardResult
from fitfeed.schemas.files import atomic_write, sync_file, sync_folder
from fitfeed.schemas.histogram_json import histogram_from_json
from fitfeed.schemas.manifest import (
    MANIFEST_NAME,
    REJECTS_NAME,
    File,
    Manifest,
    Statistics,
    build_manifest,
    fingerprint_of,
)
from fitfeed.schemas.sharding import index_file_name
from fitfeed.schemas.statistics import ChannelStatistics, add_histograms


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
    atomic_write(work.root / STAGED_REJECTS, to_json_lines(listed))
    manifest = _manifest(work, job, existing, added, listed, copies)
    atomic_write(work.root / MANIFEST_NAME, manifest.to_json())
    held = {entry.file for entry in existing.manifest.files()}
    move_into(work, [entry.file for entry in manifest.files() if entry.file not in held])
    sync_folder(work.dataset)
    (work.root / MANIFEST_NAME).replace(work.dataset / MANIFEST_NAME)
    sync_folder(work.dataset)
    settle(work, manifest)


def _manifest(
    work: WorkFolder,
    job: Job,
    existing: BaseDataset,
    added: dict[str, list[ShardResult]],
    listed: Sequence[Reject],
    copies: dict[str, int],
) -> Manifest:
    """The manifest of the union, naming the new files as they are called at first."""
    before = existing.manifest
    class_names = job.class_names if added else before.class_names
    splits: dict[str, Any] = {name: split.model_dump() for name, split in before.splits.items()}
    for split in splits.values():
        split["class_counts"] += [0] * (len(class_names) - len(split["class_counts"]))
    for name, shards in added.items():
        splits[name] = write_split(
            work.root / staged_index(name),
            shards,
            job,
            before=(before.splits[name], existing.indexes[name]) if name in before.splits else None,
        )
    features: dict[str, object] = before.features.model_dump()
    if added:  # with the classes that came with them
        features |= {name: label.feature(before.features.image) for name, label in job.features.items()}
    return build_manifest(
        format=before.format,
        features=features,
        splits=splits,
        statistics=_statistics(job, before, added),
        rejects=count_reasons(reject for reject in listed if reject.handling == "rejected"),
        ignored=sum(reject.handling == "ignored" for reject in listed),
        duplicates={name: count + copies[name] for name, count in before.duplicates.model_dump().items()},
        rejects_file=file_entry(work.root / STAGED_REJECTS),
        options=before.options,
        source={"files": job.base.source_files if job.base else job.files, "digest": job.source_digest},
    )


def _statistics(job: Job, before: Manifest, added: dict[str, list[ShardResult]]) -> Statistics:
    """Of the split that was counted before, or of a new split `train`, which takes precedence."""
    split = job.statistics_split if job.statistics_split in added else before.statistics.split
    new = added.get(split, [])
    if not new:
        return before.statistics
    depth = job.options.depth
    histograms = [histogram_from_json(result.histogram, depth) for result in new]
    images = sum(result.shard.examples for result in new)
    if split == before.statistics.split:
        histograms.append(before.statistics.exact.histogram)
        images += before.statistics.images
    exact = ChannelStatistics(add_histograms(histograms, channels=job.options.channels, depth=depth))
    return Statistics.of(exact, split=split, images=images)


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
