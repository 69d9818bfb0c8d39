"""Publication: check that nothing is missing, then index, shards in place, manifest last."""

import dataclasses
import json
import shutil
from collections.abc import Sequence

from fitfeed.converters.duplicates.find_duplicates import DuplicateReport, find_duplicates
from fitfeed.converters.planning.base_dataset import open_base_dataset
from fitfeed.converters.publishing.append import publish_append
from fitfeed.converters.publishing.outcome import Outcome, Status
from fitfeed.converters.publishing.split_index import file_entry, write_split
from fitfeed.converters.rejects import Reject, count_reasons, to_json_lines
from fitfeed.converters.shards.drop_rows import drop_rows
from fitfeed.converters.staging.folder import WorkFolder, move_into, remove_leftovers, write_json
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.results import ShardResult, ShardTotals
from fitfeed.schemas.errors import ConversionError
from fitfeed.schemas.features import ImageFeature
from fitfeed.schemas.files import atomic_write, sync_folder
from fitfeed.schemas.histogram_json import histogram_from_json
from fitfeed.schemas.manifest import MANIFEST_NAME, REJECTS_NAME, Manifest, Statistics, build_manifest
from fitfeed.schemas.sharding import index_file_name
from fitfeed.schemas.statistics import ChannelStatistics, add_histograms

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
                _publish_files(work, job, results, rejects, found.copies)
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


def _publish_files(
    work: WorkFolder,
    job: Job,
    results: list[ShardResult],
    rejects: list[Reject],
    copies: dict[str, int],
) -> None:
    atomic_write(work.root / REJECTS_NAME, to_json_lines(rejects))
    splits = {
        name: write_split(
            work.root / index_file_name(name),
            [results[number] for number in numbers],
            job,
        )
        for name, numbers in job.splits.items()
    }
    image = _image_feature(job)
    manifest = build_manifest(
        format=job.options.format,
        features={
            "image": image,
            **{name: label.feature(image) for name, label in job.features.items()},
        },
        splits=splits,
        statistics=_statistics(job, results),
        rejects=count_reasons(reject for reject in rejects if reject.handling == "rejected"),
        ignored=sum(reject.handling == "ignored" for reject in rejects),
        duplicates=copies,
        rejects_file=file_entry(work.root / REJECTS_NAME),
        options=job.options.to_json(),
        source={"files": job.files, "digest": job.source_digest},
    )
    _move_into_place(work, manifest)


def _image_feature(job: Job) -> ImageFeature:
    options = job.options
    height, width = options.fixed_shape or (None, None)
    return ImageFeature(
        dtype="uint16" if options.depth == 16 else "uint8",
        shape=(height, width, options.channels),
        encoding=options.encoding or "keep",  # never None once the options are made
    )


def _statistics(job: Job, results: Sequence[ShardResult]) -> Statistics:
    counted = [results[number] for number in job.splits[job.statistics_split]]
    depth = job.options.depth
    histograms = (histogram_from_json(result.histogram, depth) for result in counted)
    exact = ChannelStatistics(add_histograms(histograms, channels=job.options.channels, depth=depth))
    images = sum(result.shard.examples for result in counted)
    return Statistics.of(exact, split=job.statistics_split, images=images)


def _move_into_place(work: WorkFolder, manifest: Manifest) -> None:
    """Replaces whatever dataset stood here. From the first line to the last it is incomplete."""
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


def clean_up(work: WorkFolder) -> None:
    """Removes the working folder of a published dataset."""
    shutil.rmtree(work.root)
