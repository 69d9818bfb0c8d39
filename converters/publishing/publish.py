"""Publication: check that nothing is missing, review duplicates and rejects, then commit, or say why not."""

import dataclasses
import json
import shutil
from collections.abc import Sequence

from fitfeed.converters.duplicates.find_duplicates import DuplicateReport, find_duplicates
from fitfeed.converters.planning.base_dataset import open_base_dataset
from fitfeed.converters.publishing.append import publish_append
from fitfeed.converters.publishing.new import publish_new
from fitfeed.converters.publishing.outcome import Outcome, Status
from fitfeed.converters.rejects import Reject, count_reasons
from fitfeed.converters.shards.drop_rows import drop_rows
from fitfeed.converters.staging.folder import WorkFolder, write_json
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.results import ShardResult, ShardTotals
from fitfeed.schemas.errors import ConversionError

SHOWN_REJECTS = 5
OUTCOME_NAME = "outcome.json"


def publish(work: WorkFolder, totals: Sequence[ShardTotals]) -> Outcome:
    """Publishes a conversion whose shards are all written, or decides not to.

    Interrupted at any moment and called again, it ends with the same files.

    Args:
        work: The working folder.
        totals: Of every shard, in any order.

    Raises:
        ConversionError: If a shard is missing or double, images were lost on the way, or nothing can
            be written.
    """
    job = work.read_job()
    existing = None if job.base is None else open_base_dataset(work.dataset)
    if (
        job.base is not None
        and existing is not None
        and existing.manifest.fingerprint != job.base.fingerprint
    ):
        return _published_before(work)
    ordered = _check_complete(job, totals)
    rejects = list(job.rejects)
    results = [_require_result(work, shard.number) for shard in ordered]
    rejects += [reject for result in results for reject in result.rejects]
    found = find_duplicates(job, results, existing)
    rejects += found.rejects
    outcome = _decide(job, rejects, ordered, found)
    rejects += job.ignored
    try:
        if outcome.status == "published":
            shutil.rmtree(work.kept, ignore_errors=True)  # of an interrupted publication
            if found.dropped:
                results = drop_rows(work, job, results, found.dropped)
            if existing is not None:
                # Before, because afterwards the dataset is no longer the one that was appended to.
                write_json(work.root / OUTCOME_NAME, dataclasses.asdict(outcome))
                publish_append(work, job, existing, results, rejects, found.copies)
            else:
                publish_new(work, job, results, rejects, found.copies)
        write_json(work.root / OUTCOME_NAME, dataclasses.asdict(outcome))
    except OSError as error:
        raise work.write_error(error) from error
    return outcome


def _published_before(work: WorkFolder) -> Outcome:
    """What an earlier attempt at this publication decided; it ended after the manifest was in place."""
    try:
        return Outcome(**json.loads((work.root / OUTCOME_NAME).read_text()))
    except FileNotFoundError as error:
        msg = f"{work.dataset} was changed while images were appended to it. Nothing was published. Run the same command again."
        raise ConversionError(msg) from error


def _check_complete(job: Job, totals: Sequence[ShardTotals]) -> list[ShardTotals]:
    """Whatever the runner: every shard once, and every planned file written or rejected."""
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


def _require_result(work: WorkFolder, number: int) -> ShardResult:
    result = work.read_result(number)
    if result is None:
        msg = f"the result of shard {number} is missing from {work.root}. Run the same command again: it continues."
        raise ConversionError(msg)
    return result


def _decide(
    job: Job, rejects: list[Reject], totals: Sequence[ShardTotals], found: DuplicateReport
) -> Outcome:
    # A file that was rejected before, and tolerated, is no news.
    known = frozenset() if job.base is None else frozenset(job.base.retried)
    bad = [reject for reject in rejects if reject.handling == "rejected" and reject.path not in known]
    counted = sum(
        shard.examples for shard in totals if shard.number in job.splits.get(job.statistics_split, ())
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
        first_rejects=[dataclasses.asdict(reject) for reject in first],
        reused=sum(shard.reused for shard in totals),
        copies=found.copies,
        pairs=found.pairs,
        near_duplicates=found.near_duplicates,
    )
