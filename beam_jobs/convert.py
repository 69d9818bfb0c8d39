"""A whole conversion: plan, run, publish. The Python form of `fitfeed convert`.

A new dataset and an append take the same path. They differ in the plan, which leaves out what the dataset has
already, and in how publication moves files into place.
"""

import dataclasses
import functools
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from fitfeed.beam_jobs.follow import follow_launched
from fitfeed.beam_jobs.job_end import JobEnd
from fitfeed.beam_jobs.plan import DEFAULT_TIMEOUT_S, PlannedConversion, plan_conversion
from fitfeed.beam_jobs.progress import NoProgress, ProgressReport
from fitfeed.beam_jobs.result import ConversionResult
from fitfeed.beam_jobs.run import ExecutionOptions, run_job
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.planning.finished_shards import drop_stale_shards
from fitfeed.converters.planning.source_listing import remember_sources
from fitfeed.converters.shards.write_shard import CONTINUES
from fitfeed.converters.sources.given_source import Sources
from fitfeed.converters.sources.links import Links
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import ConversionPlan, Job
from fitfeed.converters.staging.leak_list import with_leak_list
from fitfeed.converters.staging.seen_manifest import SeenManifest, see_manifest
from fitfeed.converters.staging.staging import Staging, open_staging, tidy
from fitfeed.schemas.errors import ConversionError, FitfeedError, SplitLeakError
from fitfeed.schemas.manifest import Manifest, read_manifest
from fitfeed.schemas.storage.failures import failures_named
from fitfeed.schemas.storage.many import at_once
from fitfeed.schemas.storage.open_place import open_place
from fitfeed.schemas.storage.place import Entries


def convert(
    source: Sources,
    dataset: str | Path,
    options: ConvertOptions | Mapping[str, object] | None = None,
    *,
    labels: str | Path | None = None,
    split_lists: Mapping[str, str | Path] | None = None,
    leave_out: str | Path | None = None,
    max_bad: int | float = 0,
    allow_leaks: bool = False,
    links: Links = "follow",
    table_encoding: str | None = None,
    table_separator: str | None = None,
    workers: int | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    runner: str = "local",
    runner_arguments: Sequence[str] = (),
    overwrite: bool = False,
    append: bool = False,
    check_content: bool = False,
    detach: bool = False,
    progress: ProgressReport | None = None,
) -> ConversionResult:
    """Converts a folder of images to a dataset.

    If it is stopped at any moment and called again, it continues, and ends with the same bytes. A script needs no
    guard for `__main__`, although processes are started.

    Args:
        source: Folder with one folder of images per class, perhaps below split folders; a `.csv`, `.tsv`, `.txt`
            or `.jsonl` table that names images, relative to its own folder; or a dataset. Or several of these: a list, or
            a mapping of names to them. Keys of the first are paths below it, those of the others begin with their name,
            which is that of their folder unless it is given.
        dataset: Folder to make. If it is complete, and has the same source and options, nothing is done.
        options: How to convert: all options, or only some by name. The others have their defaults or, with `append`,
            those of the dataset.
        labels: Table of labels, if `source` is a folder; `none` for images without labels.
        split_lists: Split to a text file that lists its images, a path a line, if `source` is a folder. Images in no
            list go to `train`, or are left out if there is a list for it.
        leave_out: Text file with one key a line. These images are left out, and do not count as bad.
        max_bad: Rejects to tolerate: a number of files (int), or a share of them (float, 0 to 1).
        allow_leaks: Publish even if an image, or a group, is in two splits.
        links: `refuse` raises an error if links lead out of the source. `follow` follows them, and the result says
            where they lead. Otherwise this has no effect on the dataset.
        table_encoding: Encoding of the table, such as "cp1252"; None for UTF-8, or what its byte order mark says.
        table_separator: The character between the columns of the table; None to find a comma, a semicolon, a tab or `|`.
        workers: Processes of the local run; None for the CPUs this process may use.
        timeout_s: Seconds that decoding one image may take; 0 for no limit. An image that takes
            longer is rejected as `timeout`. Otherwise the limit has no effect on the dataset.
        runner: `local`; an engine: `dataflow`, `flink`, `spark`, `dask` or `prism`; or the name of a Beam runner.
        runner_arguments: Options that are passed on to that runner.
        overwrite: Replace a complete dataset.
        append: Add to a complete dataset the images that it does not have. `options` must be those that it was
            made with, or None; `max_bad` counts new files only.
        check_content: Read every file that the dataset has already, and compare its bytes. Otherwise only those are
            read whose size or times are not the known ones.
        detach: Return as soon as the runner has the job, which goes on without this process. The same call follows it.
        progress: Receives the progress.

    Returns:
        What was done, or what runs.

    Raises:
        UsageError, NotFoundError: If an argument, the source or the target is not what it must be.
        IncompleteDatasetError, DamagedDatasetError: If a dataset that is appended to is not whole.
        SplitLeakError: If an image, or a group, is in two splits, unless `allow_leaks`.
        DuplicateImagesError: If an image is twice in a split, and the options say `fail`.
        TooManyRejectsError: If more files were rejected than `max_bad` allows.
        OvertakenError: If another launch has published into the folder meanwhile.
        InterruptedConversionError: On SIGINT or SIGTERM. A job that a runner has is cancelled.
        RemoteError: If the job failed on its engine.
        ConversionError: If reading or writing failed.
    """
    started, progress = time.monotonic(), progress or NoProgress()
    replan = functools.partial(
        plan_conversion,
        source,
        dataset,
        options,
        labels=labels,
        split_lists=split_lists,
        leave_out=leave_out,
        max_bad=max_bad,
        allow_leaks=allow_leaks,
        links=links,
        table_encoding=table_encoding,
        table_separator=table_separator,
        workers=workers,
        timeout_s=timeout_s,
        runner=runner,
        runner_arguments=runner_arguments,
        overwrite=overwrite,
        append=append,
        check_content=check_content,
        detach=detach,
        progress=progress.comparing(),
    )
    running = ExecutionOptions(
        workers=workers,
        timeout_s=timeout_s,
        runner=runner,
        runner_arguments=runner_arguments,
        progress=progress,
        detach=detach,
    )
    try:
        planned = replan()
    except SplitLeakError as error:
        raise with_leak_list(error, open_place(dataset, "DATASET")) from error
    with failures_named("the conversion stopped at DATASET", planned.dataset, ConversionError, CONTINUES):
        if planned.up_to_date and (not append or not Staging(planned.dataset).root.exists()):
            tidy(planned.dataset)
            return _nothing_done(planned, started)
        with open_staging(planned.dataset, notify=progress.notify) as staging:
            entries, seen = at_once(
                staging.dataset, staging.root.entries, functools.partial(see_manifest, staging.dataset)
            )
            launched = staging.launched(entries)
            end = follow_launched(staging, launched, planned.plan.job, progress, detach=detach)
            if end is None:
                if append:
                    _settle(staging)
                now = _plan_of_now(staging, planned, replan, None if append or launched else seen)
                is_fresh = now is planned and not launched  # planning again takes long, as following does
                planned = now
                if planned.up_to_date:
                    staging.leave()
                    return _nothing_done(planned, started)
            before, outline = planned.existing, planned.plan.outline()
            if end is None:
                for warning in outline.warnings:
                    progress.notify(f"warning: {warning}")
                work, job = _prepare(staging, planned.plan, running, entries if is_fresh else None)
                del planned, now  # it is on disk
                end = run_job(work, job, running)
            else:
                job = end.work.read_job()
            after = None
            if end.outcome is not None:
                # First: what is left is needed if this cannot be read.
                after = read_manifest(staging.dataset)
                staging.remove()
    return _result(job, before, after, end, outline, started)


def _prepare(
    staging: Staging, plan: ConversionPlan, running: ExecutionOptions, entries: Entries | None
) -> tuple[WorkFolder, Job]:
    """Writes the plan, and keeps what an earlier run has finished of the same files."""
    engine = "" if running.runner == "local" else running.runner
    work = staging.prepare(
        plan,
        timeout_s=running.timeout_s,
        engine=engine,
        notify=running.progress.notify,
        entries=entries,
    )
    job = staging.prepared or work.read_job()
    if entries is None or work.digest in entries.folders:
        drop_stale_shards(work, job, plan)
    return work, job


def _settle(staging: Staging) -> None:
    """Finishes an append that was interrupted right after its commit."""
    try:
        staging.settle()
    except OSError as error:
        msg = f"cannot write to {staging.dataset}: {error.strerror or error}. The dataset is whole. {staging.root.area().advice} and run the same command again."
        raise ConversionError(msg) from error


def _plan_of_now(
    staging: Staging,
    planned: PlannedConversion,
    replan: Callable[[], PlannedConversion],
    seen: SeenManifest | None,
) -> PlannedConversion:
    """The plan for the dataset as it is now, when the lock keeps other launches from changing it.

    It may have changed before the lock was held, or while another launch was waited for.

    Args:
        staging: The staging area, locked.
        planned: The plan that was made before.
        replan: Plans again.
        seen: The manifest that is there; None if it must be looked at again.
    """
    now = staging.manifest_sha256() if seen is None else seen.sha256
    if now == planned.plan.job.seen:
        return planned
    try:
        return replan()
    except FitfeedError:
        staging.leave()
        raise


def _nothing_done(planned: PlannedConversion, started: float) -> ConversionResult:
    """The result if the dataset is up to date: all files of the source were compared with it."""
    remember_sources(planned.dataset, planned.plan.sources)
    manifest = planned.existing or read_manifest(planned.dataset)
    return _result(planned.plan.job, manifest, manifest, None, planned.plan, started)


def _result(
    job: Job,
    before: Manifest | None,
    after: Manifest | None,
    end: JobEnd | None,
    outline: ConversionPlan,
    started: float,
) -> ConversionResult:
    """What a conversion did to a dataset; without an end of its job, nothing."""
    outcome = None if end is None else end.outcome
    result = ConversionResult(
        published=after,
        running="" if end is None else end.running,
        up_to_date=end is None,
        files=job.files,
        unnamed=job.unnamed,
        ignored_extensions=job.ignored_extensions,
        links=outline.links,
        warnings=outline.warnings,
        comparison=outline.comparison,
        gone=outline.gone,
        source_bytes=job.bytes,
        seconds=time.monotonic() - started,
        reused_shards=0 if outcome is None else outcome.reused,
        duplicates=[] if outcome is None else outcome.pairs,
        near_duplicates=None if outcome is None else outcome.near_duplicates,
    )
    if job.base is None or before is None or after is None:
        return result
    had = {name: split.examples for name, split in before.splits.items()}
    return dataclasses.replace(
        result,
        up_to_date=after.fingerprint == before.fingerprint,
        added={name: split.examples - had.get(name, 0) for name, split in after.splits.items()},
        new_classes=after.class_names[len(before.class_names) :],
    )
