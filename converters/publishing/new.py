"""Publishing a new dataset, in place of whatever dataset was there.

```
manifest.json     removed: from now on there is an unfinished conversion
rejects.jsonl, indexes, shards    moved into place
files of the old dataset    removed
manifest.json     written: the dataset is complete
```
"""

from collections.abc import Mapping, Sequence

from fitfeed.converters.publishing.union import write_union
from fitfeed.converters.rejects import Reject
from fitfeed.converters.staging.folder import WorkFolder, move_into, remove_leftovers
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.results import ShardResult
from fitfeed.schemas.files import atomic_write, sync_folder
from fitfeed.schemas.manifest import MANIFEST_NAME, REJECTS_NAME, Manifest
from fitfeed.schemas.sharding import index_file_name


def publish_new(
    work: WorkFolder,
    job: Job,
    results: Sequence[ShardResult],
    rejects: Sequence[Reject],
    copies: Mapping[str, int],
) -> None:
    """Makes finished shards a dataset. Interrupted at any moment and called again, it ends with the same files.

    Args:
        work: The working folder.
        job: The job.
        results: Of every shard, by number, without dropped duplicates.
        rejects: What this job rejected and ignored.
        copies: Duplicates: see `DuplicateReport`.

    Raises:
        OSError: If a file cannot be written.
    """
    added = {split: [results[number] for number in numbers] for split, numbers in job.splits.items()}
    manifest = write_union(
        work, job, None, added, rejects, copies, index_name=index_file_name, rejects_name=REJECTS_NAME
    )
    _move_into_place(work, manifest)


def _move_into_place(work: WorkFolder, manifest: Manifest) -> None:
    """Replaces whatever dataset is here. From the first line to the last it is incomplete."""
    (work.dataset / MANIFEST_NAME).unlink(missing_ok=True)
    files = [manifest.rejects_file.file]
    for split in manifest.splits.values():
        files += [split.index.file, *(shard.file for shard in split.shards)]
    move_into(work, files)
    remove_leftovers(work.dataset, keep=set(files))
    sync_folder(work.dataset)
    atomic_write(work.root / MANIFEST_NAME, manifest.to_json())
    (work.root / MANIFEST_NAME).replace(work.dataset / MANIFEST_NAME)
    sync_folder(work.dataset)
