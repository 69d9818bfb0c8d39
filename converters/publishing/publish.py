"""Publication: check that nothing is missing, review duplicates and rejects, then commit, or say why not."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from fitfeed.converters.duplicates.find_duplicates import DuplicateReport, find_duplicates
from fitfeed.converters.planning.base_dataset import BaseDataset, open_base_dataset
from fitfeed.converters.publishing.pair_table import write_pairs
from fitfeed.converters.publishing.refusals import write_lists
from fitfeed.converters.publishing.shard_check import require_files_of
from fitfeed.converters.publishing.union import write_union
from fitfeed.converters.rejects import Reject, count_reasons, to_json_lines
from fitfeed.converters.shards.drop_rows import drop_rows
from fitfeed.converters.staging.commit import STAGED_REJECTS, copy_sources, staged_index
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.outcome import Outcome, Status
from fitfeed.converters.staging.result_check import file_identity
from fitfeed.converters.staging.results import ShardResult, ShardTotals
from fitfeed.converters.staging.sign_of_life import sign_of_life
from fitfeed.converters.staging.staging import Staging
from fitfeed.converters.staging.states import PUBLISHED
from fitfeed.schemas.errors import ConversionError
from fitfeed.schemas.manifest import REJECTS_NAME
from fitfeed.schemas.sharding import index_file_name
from fitfeed.schemas.side_tables import SOURCES_NAME
from fitfeed.schemas.storage.many import at_once, for_each
from fitfeed.schemas.storage.place import Found, Place

SHOWN_REJECTS = 5
SHOWN_PAIRS = 20


def publish(work: WorkFolder, totals: Sequence[ShardTotals]) -> Outcome:
    """Publishes a conversion whose shards are all written, or decides not to.

    Interrupted at any moment and called again, it ends with the same files.

    Args:
        work: The folder of the job.
        totals: Of every shard, in any order.

    Raises:
        ConversionError: If a shard is missing or double, an image was lost, or a file cannot be written.
        OvertakenError: If another launch has published since the job was planned, or has begun since.
    """
    try:
        job, earlier = at_once(work.root, work.read_job, work.read_outcome)
        with sign_of_life(work, job):
            outcome = _publish(work, job, totals, earlier)
        if job.engine:  # who follows it has no other way to know
            work.launch.end(job.launch)
    except OSError as error:
        raise work.write_error(error) from error
    return outcome


def _publish(work: WorkFolder, job: Job, totals: Sequence[ShardTotals], earlier: Outcome | None) -> Outcome:
    staging = Staging(work.dataset)
    if earlier is not None and staging.state_of(work, job) in PUBLISHED:
        staging.settle()
        return earlier
    base = None
    if job.base is not None:
        staging.require_seen(work, job)
        base = open_base_dataset(work.dataset)
    ordered = _check_complete(job, totals)
    numbers = range(job.shards)
    results, listed_shards = at_once(
        work.root,
        partial(for_each, work.root, partial(_require_result, work, job), numbers),
        lambda: list(work.place_for_shards(job).files()),
    )
    in_place = require_files_of(work, job, ordered, results, listed_shards)
    found = find_duplicates(job, results, base)
    rejects = [*job.rejects, *(reject for result in results for reject in result.rejects), *found.rejects]
    work.require_ours(job)  # from here on, files are written that the next launch of this job writes, too
    outcome = _decide(job, rejects, ordered, found)
    listed = [*rejects, *job.ignored]
    if outcome.status != "published" or base is not None:
        write_pairs(work.root, found, base)
    if outcome.status != "published":
        staging.review(work, outcome)
        write_lists(work, listed, found.pairs)
        return outcome
    # What is kept is of an interrupted publication.
    at_once(work.root, partial(staging.review, work, outcome), lambda: work.kept.delete_all())
    if found.dropped:
        results = drop_rows(work, job, results, found.dropped)
    if base is None:
        _commit_new(staging, work, job, results, listed, found, in_place)
    else:
        _commit_append(staging, work, job, base, results, listed, found.copies, in_place)
    return outcome


def _commit_new(
    staging: Staging,
    work: WorkFolder,
    job: Job,
    results: Sequence[ShardResult],
    rejects: Sequence[Reject],
    found: DuplicateReport,
    in_place: Mapping[str, str],
) -> None:
    """Makes all shards a dataset."""
    added = {split: [results[number] for number in numbers] for split, numbers in job.splits.items()}
    place, require_ours = work.place_for_indexes(job), partial(work.require_ours, job)
    sources = None
    if place == work.dataset:
        present, sources = at_once(
            place, staging.manifest_sha256, partial(work.root.area().find_file, SOURCES_NAME)
        )
        if present is not None:  # maybe another launch's: nothing beside it is replaced before it is compared
            place = work.root
    union, _ = at_once(
        place,
        partial(
            write_union,
            place,
            job,
            None,
            added,
            rejects,
            found.copies,
            index_name=index_file_name,
            rejects_name=REJECTS_NAME,
            require_ours=require_ours,
        ),
        partial(_write_tables, work, place, found, sources, require_ours),
    )
    at_their_names = place == work.dataset  # as shards are
    if at_their_names:
        in_place = {**in_place, **{each.name: file_identity(each) for each in union.written}}
    staging.commit_new(work, job, union.manifest, in_place, only_shards=at_their_names)


def _write_tables(
    work: WorkFolder,
    place: Place,
    found: DuplicateReport,
    sources: Found | None,
    require_ours: Callable[[], None],
) -> None:
    """Writes the tables beside a new dataset; that of its sources is in the folder of the job already."""
    at_once(
        place,
        partial(write_pairs, place, found, None, require_ours=require_ours),
        partial(copy_sources, work, sources if place == work.dataset else None, require_ours),
    )


def _commit_append(
    staging: Staging,
    work: WorkFolder,
    job: Job,
    base: BaseDataset,
    results: Sequence[ShardResult],
    rejects: Sequence[Reject],
    copies: Mapping[str, int],
    in_place: Mapping[str, str],
) -> None:
    """Adds the shards that have examples to a dataset. Does nothing if there are no examples and no other rejects."""
    added = {
        split: [results[number] for number in numbers if results[number].shard.examples]
        for split, numbers in job.splits.items()
    }
    added = {split: shards for split, shards in added.items() if shards}
    retried = frozenset(() if job.base is None else job.base.retried)
    listed = [*(reject for reject in base.rejects if reject.path not in retried), *rejects]
    if not added and to_json_lines(listed) == to_json_lines(base.rejects):
        staging.keep_sources(work, base.manifest)
        return
    union = write_union(
        work.root,
        job,
        base,
        added,
        listed,
        copies,
        index_name=staged_index,
        rejects_name=STAGED_REJECTS,
    )
    staging.commit_append(work, job, union.manifest, base.manifest, in_place)
    staging.settle()


def _check_complete(job: Job, totals: Sequence[ShardTotals]) -> list[ShardTotals]:
    """Checks, for any runner, that every shard is there once, and every planned file is written or rejected."""
    ordered = sorted(totals, key=lambda shard: shard.number)
    numbers = [shard.number for shard in ordered]
    if numbers != list(range(job.shards)):
        msg = f"the runner returned shards {numbers[:10]}..., expected 0 to {job.shards - 1} once each. Nothing was published. Run the same command again; if it repeats, use another --runner."
        raise ConversionError(msg)
    accounted = sum(shard.examples + sum(shard.rejects.values()) for shard in ordered)
    if accounted != job.files or any(
        shard.planned != shard.examples + sum(shard.rejects.values()) for shard in ordered
    ):
        msg = f"{job.files} files were planned, but {accounted} are written or rejected. Nothing was published. Run the same command again; if it repeats, use another --runner."
        raise ConversionError(msg)
    return ordered


def _require_result(work: WorkFolder, job: Job, number: int) -> ShardResult:
    result = work.read_result(job, number)
    if result is None:
        msg = f"the result of shard {number} is missing from {work.root}. Run the same command again: it continues."
        raise ConversionError(msg)
    return result


def _decide(
    job: Job, rejects: list[Reject], totals: Sequence[ShardTotals], found: DuplicateReport
) -> Outcome:
    # Files that were rejected before, and tolerated, do not count again.
    known = frozenset() if job.base is None else frozenset(job.base.retried)
    bad = [reject for reject in rejects if reject.handling == "rejected" and reject.path not in known]
    counted = sum(
        shard.examples - len(found.dropped.get(shard.number, ()))
        for shard in totals
        if shard.number in job.splits.get(job.statistics_split, ())
    )
    status: Status = "published"
    if found.copies["across_splits"] and not job.allow_leaks:
        status = "leaks"
    elif found.copies["within"] and job.options.duplicates == "fail":
        status = "duplicates"
    elif len(bad) > job.allowed_rejects:
        status = "too_many_rejects"
    elif not counted and job.base is None:
        status = "nothing_left"
    first = sorted(bad, key=lambda reject: reject.path)[:SHOWN_REJECTS]
    return Outcome(
        status=status,
        rejects=count_reasons(bad),
        allowed=job.allowed_rejects,
        first_rejects=first,
        may_drop_leaks=job.options.split is not None and job.base is None,
        reused=sum(shard.reused for shard in totals),
        copies=found.copies,
        pairs=found.pairs[:SHOWN_PAIRS],
        near_duplicates=found.near_duplicates.first(SHOWN_PAIRS),
    )
