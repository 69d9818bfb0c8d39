"""Adding images to a complete dataset: the same job as any conversion, published beside what is there."""

import dataclasses
import time
from pathlib import Path

from fitfeed.beam_jobs.conversion import ConversionResult
from fitfeed.beam_jobs.run import ExecutionOptions, run_job
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.planning.base_dataset import (
    ARRANGEMENT,
    BaseDataset,
    append_options,
    open_base_dataset,
)
from fitfeed.converters.planning.plan import make_plan
from fitfeed.converters.publishing.append import settle
from fitfeed.converters.publishing.publish import clean_up
from fitfeed.converters.staging.folder import WorkFolder, locked, prepare
from fitfeed.converters.staging.job import Job
from fitfeed.schemas.errors import FitfeedError
from fitfeed.schemas.manifest import Manifest, read_manifest


def append_images(
    source: Path,
    dataset: Path,
    options: ConvertOptions | None,
    *,
    labels: Path | None,
    max_bad: int | float,
    allow_leaks: bool,
    running: ExecutionOptions,
) -> ConversionResult:
    """Adds to a dataset what it does not have yet. See `fitfeed.beam_jobs.convert`, whose arguments these are."""
    started = time.monotonic()
    before = read_manifest(dataset)  # before anything is written there: it says so if there is no dataset
    work = WorkFolder(dataset)
    with locked(work):
        try:
            before = _settled(work, read_manifest(dataset))  # only now is it certain to stay what it is
            existing = open_base_dataset(dataset)
            chosen = append_options(before, {} if options is None else _given(options))
            plan = make_plan(
                source, chosen, labels=labels, max_bad=max_bad, allow_leaks=allow_leaks, existing=existing
            )
        except FitfeedError:
            _leave(work, before)
            raise
        job = plan.job
        if not _is_news(job, existing):
            _leave(work, before)
            return _conversion(job, before, before, started)
        prepare(work, plan, timeout_s=running.timeout_s)
        del plan
        outcome = run_job(work, job, running)
        clean_up(work)
    return dataclasses.replace(
        _conversion(job, before, read_manifest(dataset), started),
        reused_shards=outcome.reused,
        duplicates=outcome.pairs,
        near_duplicates=outcome.near_duplicates,
    )


def _given(options: ConvertOptions) -> dict[str, object]:
    """All options but shards and shard size are as good as given; of these, None means no wish."""
    return {
        name: value
        for name, value in dataclasses.asdict(options).items()
        if name not in ARRANGEMENT or value is not None
    }


def _settled(work: WorkFolder, manifest: Manifest) -> Manifest:
    """Ends an append that was interrupted after its manifest was in place."""
    try:
        return settle(work, manifest)
    except OSError as error:
        raise work.write_error(error) from error


def _is_news(job: Job, existing: BaseDataset) -> bool:
    """Whether there is anything to convert, or to report as bad."""
    known = {reject.path for reject in existing.rejects}
    return job.files > 0 or any(reject.path not in known for reject in job.rejects)


def _leave(work: WorkFolder, manifest: Manifest) -> None:
    """Removes the working folder, unless it holds an unfinished job that can still be continued."""
    job = work.read_job_or_none()
    if job is None or (job.base is not None and job.base.fingerprint != manifest.fingerprint):
        clean_up(work)


def _conversion(job: Job, before: Manifest, after: Manifest, started: float) -> ConversionResult:
    had = {name: split.examples for name, split in before.splits.items()}
    added = {name: split.examples - had.get(name, 0) for name, split in after.splits.items()}
    return ConversionResult(
        manifest=after,
        up_to_date=after.fingerprint == before.fingerprint,
        files=job.files,
        source_bytes=job.bytes,
        seconds=time.monotonic() - started,
        reused_shards=0,
        duplicates=[],
        near_duplicates=None,
        added=added,
        new_classes=after.class_names[len(before.class_names) :],
    )
