"""Looks at shards that an earlier run has finished: a file may have changed since, though not its size and mtime.

Programs that copy files set mtime, so it does not tell. The times of the kernel do, and where they are others, the bytes.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fitfeed.converters.planning.comparison import same_times
from fitfeed.converters.planning.source_listing import read_known_sources
from fitfeed.converters.reading.open_reader import open_reader
from fitfeed.converters.reading.source_reader import SourceReader
from fitfeed.converters.rejects import text_path
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import ConversionPlan, ShardPlan
from fitfeed.converters.staging.results import ShardResult
from fitfeed.schemas.index import DIGEST_BYTES


def drop_stale_shards(work: WorkFolder, plan: ConversionPlan) -> None:
    """Forgets the results of shards that were made of other bytes than their files have now.

    Args:
        work: The folder of the job, prepared, with what an earlier run knew of the files.
        plan: The plan, with the files as they are listed now.
    """
    if plan.listing is None or not work.has_results():
        return
    known = read_known_sources(work.root, plan.listing.root)
    same = same_times(plan.listing, known)
    suspects = {plan.listing.files[place].path for place in np.flatnonzero(~same)}
    job = work.read_job()
    reader = open_reader(job.source)
    masks = [name for name, kind in job.kinds.items() if kind == "mask"]
    for shard in plan.shards if suspects else ():
        files = [file for file in _files(shard, masks) if file[2] in suspects]
        result = work.read_result(job, shard.number) if files else None
        if result is not None and _is_stale(shard, result, files, reader, known):
            work.forget_result(shard.number)


def _is_stale(
    shard: ShardPlan,
    result: ShardResult,
    files: list[tuple[int, str, str]],
    reader: SourceReader,
    known: Any | None,
) -> bool:
    """Whether a file is not what the shard was made of. One that was rejected has no digest: known times decide."""
    row_of = {path: row for row, path in enumerate(result.rows.path)}
    for entry, column, path in files:
        row = row_of.get(text_path(shard.paths[entry]))
        if row is None:
            if (
                known is not None
                and pc.index(known.column("key"), pa.scalar(text_path(path), pa.large_string())).as_py() >= 0
            ):
                return True
            continue
        recorded = bytes(result.rows.digests[column][DIGEST_BYTES * row : DIGEST_BYTES * (row + 1)])
        if reader.digest(path) != recorded:
            return True
    return False


def _files(shard: ShardPlan, masks: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    """All files of a shard: the place in the plan, the column of the digest, and the path of each image and mask."""
    for entry, path in enumerate(shard.paths):
        yield entry, "source_digest", path
    for name in masks:
        for entry, (path, *_) in enumerate(shard.labels[name]):
            yield entry, f"{name}_source_digest", path
