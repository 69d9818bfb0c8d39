"""Checks that the files which are there are those that the results speak of.

An engine may write a shard twice at once. Both attempts write the same bytes, unless an image took too long, or crashed, in one of
them only. Then the file of one attempt may be there, and the result of the other.
"""

from collections.abc import Iterable, Sequence

from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.result_check import file_identity, is_whole
from fitfeed.converters.staging.results import ShardResult, ShardTotals
from fitfeed.schemas.errors import ConversionError
from fitfeed.schemas.storage.failures import taken_less
from fitfeed.schemas.storage.many import for_each
from fitfeed.schemas.storage.place import Found


def require_files_of(
    work: WorkFolder,
    job: Job,
    totals: Sequence[ShardTotals],
    results: Sequence[ShardResult],
    listed: Iterable[Found],
) -> dict[str, str]:
    """Checks the files of all shards: those that an earlier run has finished were compared hours ago, and may be replaced since.

    Only one that was replaced since its result was written is read.

    Args:
        work: The folder of the job.
        job: The job.
        totals: Of all shards, by number.
        results: The same.
        listed: The files of the place for shards, listed now.

    Returns:
        The files that have their final names already, to the `file_identity` that each has.

    Raises:
        ConversionError: If a file is another one.
        OSError: If it cannot be found out, or the store has taken less of one than was put.
    """
    place = work.place_for_shards(job)
    present = {found.name: found for found in listed}
    pairs = zip(totals, results, strict=True)
    changed = [pair for pair in pairs if not _is_same(present.get(pair[1].shard.file), pair[1])]

    def require(pair: tuple[ShardTotals, ShardResult]) -> None:
        shard, result = pair
        found = present.get(result.shard.file)
        if found and found.bytes != result.shard.bytes and file_identity(found) == result.identity:
            raise taken_less(result.shard.bytes, found.bytes, place.address(found.name))
        if not is_whole(work.find_shard(result.shard.file), result.shard, identity=result.identity):
            msg = f"{result.shard.file} is not the file that was written as shard {shard.number}: an engine wrote it twice at once, and an image took too long or crashed its decoder in one attempt only, or a publication was interrupted. Nothing was published. Run the same command again: it writes this shard anew, and continues."
            raise ConversionError(msg)

    for_each(place, require, changed)
    shards = {result.shard.file for result in results}
    if place != work.dataset:
        return {}
    return {name: file_identity(present[name]) for name in shards & present.keys()}


def _is_same(found: Found | None, result: ShardResult) -> bool:
    """Whether a file is the one that was written. Its size is compared, too: a store may have taken less."""
    return found is not None and found.bytes == result.shard.bytes and file_identity(found) == result.identity
