"""Looks at shards that an earlier run has finished: a file may have changed since, though not its size and mtime.

Programs that copy files set mtime, so it does not tell. The times of the kernel do, and where they are others, the bytes.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fitfeed.converters.planning.comparison import same_times
from fitfeed.converters.planning.source_listing import read_known_sources, sources_digest
from fitfeed.converters.reading.sources_reader import SourcesReader
from fitfeed.converters.rejects import text_path
from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import ConversionPlan, Job, ShardPlan
from fitfeed.converters.staging.results import ShardResult
from fitfeed.schemas.index import DIGEST_BYTES


def drop_stale_shards(work: WorkFolder, job: Job, plan: ConversionPlan) -> None:
    """Forgets the results of shards that were made of other bytes than their files have now.

    Args:
        work: The folder of the job, prepared, with what an earlier run knew of the files.
        job: The job, as it was prepared.
        plan: The plan, with the files as they are listed now.
    """
    if plan.listing is None or not work.has_results():
        return
    known = read_known_sources(work.root, sources_digest(plan.listing.roots.values()))
    same = same_times(plan.listing.files, known)
    suspects = set(plan.listing.files.paths.take(np.flatnonzero(~same)))
    reader = SourcesReader(job.sources)
    masks = [name for name, kind in job.kinds.items() if kind == "mask"]
    for shard in plan.shards if suspects else ():
        files = [each for each in _files(shard, masks) if each[2].path in suspects]
        result = work.read_result(job, shard.number) if files else None
        if result is not None and _is_stale(shard, result, files, reader, known):
            work.forget_result(shard.number)


def _is_stale(
    shard: ShardPlan,
    result: ShardResult,
    files: list[tuple[int, str, SourceFile]],
    reader: SourcesReader,
    known: Any | None,
) -> bool:
    """Whether a file is not what the shard was made of. One that was rejected has no digest: known times decide."""
    row_of = {key: row for row, key in enumerate(result.rows.key)}
    for entry, column, file in files:
        row = row_of.get(shard.keys[entry])
        if row is None:
            if (
                known is not None
                and pc.index(known.column("key"), pa.scalar(text_path(file.path), pa.large_string())).as_py()
                >= 0
            ):
                return True
            continue
        recorded = bytes(result.rows.digests[column][DIGEST_BYTES * row : DIGEST_BYTES * (row + 1)])
        if reader.digest(file) != recorded:
            return True
    return False


def _files(shard: ShardPlan, masks: Sequence[str]) -> Iterator[tuple[int, str, SourceFile]]:
    """All files of a shard: the place in the plan, the column of the digest, and the file of each image and mask."""
    for entry in range(len(shard.paths)):
        yield entry, "source_digest", shard.source_file(entry)
    for name in masks:
        for entry in range(len(shard.paths)):
            yield entry, f"{name}_source_digest", shard.mask_file(name, entry)
