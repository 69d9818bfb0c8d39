"""A whole conversion: plan, run, publish. The Python form of `fitfeed convert`."""

import math
import time
from collections.abc import Sequence
from pathlib import Path

from fitfeed.beam_jobs.append import append_images
from fitfeed.beam_jobs.conversion import ConversionResult
from fitfeed.beam_jobs.progress import NoProgress, ProgressReport
from fitfeed.beam_jobs.remote import check_runner
from fitfeed.beam_jobs.run import ExecutionOptions, run_job
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.planning.plan import make_plan
from fitfeed.converters.publishing.publish import clean_up
from fitfeed.converters.staging.folder import WorkFolder, locked, prepare
from fitfeed.converters.staging.job import ConversionPlan
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.manifest import MANIFEST_NAME, Manifest, read_manifest

DEFAULT_TIMEOUT_S = 300.0
"""Four times what the largest image allowed takes in the slowest format (0.8 s of CPU time per megapixel)."""


def convert(
    source: str | Path,
    dataset: str | Path,
    options: ConvertOptions | None = None,
    *,
    labels: str | Path | None = None,
    max_bad: int | float = 0,
    allow_leaks: bool = False,
    workers: int | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    runner: str = "local",
    runner_arguments: Sequence[str] = (),
    overwrite: bool = False,
    append: bool = False,
    progress: ProgressReport | None = None,
) -> ConversionResult:
    """Converts a folder of images to a dataset.

    Stopped at any moment and called again, it continues and ends with the same bytes. In a script,
    call it below `if __name__ == "__main__":`, since it starts processes.

    Args:
        source: Folder with one folder of images per class, perhaps below split folders; or a `.csv` or
            `.jsonl` table that names images, relative to its own folder.
        dataset: Folder to make. Complete, with the same source and options: nothing is done.
        options: How to convert; None for the defaults.
        labels: Table of labels, where `source` is a folder.
        max_bad: Rejects to tolerate: a number of files (int), or a share of them (float, 0 to 1).
        allow_leaks: Publish even if an image stands in two splits.
        workers: Processes of the local run; None for the CPUs this process may use.
        timeout_s: Seconds that decoding one image may take in the local run, else it is rejected as
            `timeout`; 0 for no limit. It does not decide any bytes unless such a reject is recorded.
        runner: `local`, or the name of a Beam runner.
        runner_arguments: Options for that runner, untouched.
        overwrite: Replace a complete dataset.
        append: Add to a complete dataset what it does not have yet. `options` must be those that it was
            made with, or None; `max_bad` counts the files that are new.
        progress: Who is told how far it is.

    Returns:
        What was done.

    Raises:
        UsageError, NotFoundError: If the arguments, the source or the target do not fit.
        IncompleteDatasetError, DamagedDatasetError: If a dataset that is appended to is not whole.
        SplitLeakError: If an image, or a group, stands in two splits, unless `allow_leaks`.
        DuplicateImagesError: If one stands twice in a split, and the options say `fail`.
        TooManyRejectsError: If more files were rejected than `max_bad` allows.
        InterruptedConversionError: On SIGINT or SIGTERM.
        ConversionError: If reading or writing failed.
    """
    started = time.monotonic()
    source, dataset = Path(source), Path(dataset).absolute()
    check_runner(runner)
    _check_arguments(source, dataset, max_bad=max_bad, workers=workers, timeout_s=timeout_s)
    table = None if labels is None else Path(labels)
    running = ExecutionOptions(
        workers=workers,
        timeout_s=timeout_s,
        runner=runner,
        runner_arguments=runner_arguments,
        progress=progress or NoProgress(),
    )
    if append and overwrite:
        msg = "overwrite replaces a dataset and append adds to it. Give one of them."
        raise UsageError(msg)
    if append:
        return append_images(
            source,
            dataset,
            options,
            labels=table,
            max_bad=max_bad,
            allow_leaks=allow_leaks,
            running=running,
        )
    options = options or ConvertOptions()
    existing = _existing_dataset(dataset)
    plan = make_plan(source, options, labels=table, max_bad=max_bad, allow_leaks=allow_leaks)
    if existing is not None and not overwrite:
        _require_same(existing, plan, dataset)
        return ConversionResult(
            manifest=existing,
            up_to_date=True,
            files=plan.job.files,
            source_bytes=plan.job.bytes,
            seconds=time.monotonic() - started,
            reused_shards=0,
            duplicates=[],
            near_duplicates=None,
        )
    work = WorkFolder(dataset)
    job = plan.job
    with locked(work):
        prepare(work, plan, timeout_s=timeout_s)
        del plan
        outcome = run_job(work, job, running)
        clean_up(work)
    return ConversionResult(
        manifest=read_manifest(dataset),
        up_to_date=False,
        files=job.files,
        source_bytes=job.bytes,
        seconds=time.monotonic() - started,
        reused_shards=outcome.reused,
        duplicates=outcome.pairs,
        near_duplicates=outcome.near_duplicates,
    )


def _check_arguments(
    source: Path, dataset: Path, *, max_bad: int | float, workers: int | None, timeout_s: float
) -> None:
    if not 0 <= timeout_s < math.inf:
        msg = f"timeout_s must be a number of seconds, or 0 for no limit. Received: timeout_s={timeout_s}"
        raise UsageError(msg)
    if workers is not None and workers < 1:
        msg = f"workers must be at least 1. Received: workers={workers}"
        raise UsageError(msg)
    if max_bad < 0 or (isinstance(max_bad, float) and max_bad > 1):
        msg = f"max_bad must be a number of files (0 or more) or a share of them (0.0 to 1.0, on the command line 0% to 100%). Received: max_bad={max_bad}"
        raise UsageError(msg)
    inside, outside = dataset.resolve(), source.resolve()
    if inside == outside or outside in inside.parents or inside in outside.parents:
        msg = f"DATASET {dataset} and SOURCE {source} must not contain each other: the next run would take the dataset for images. Choose a folder beside the source."
        raise UsageError(msg)


def _existing_dataset(dataset: Path) -> Manifest | None:
    """The complete dataset that stands at the target, if one does."""
    if dataset.exists() and not dataset.is_dir():
        msg = f"DATASET {dataset} is a file. Expected a folder that does not exist yet, is empty, or holds a dataset."
        raise UsageError(msg)
    if (dataset / MANIFEST_NAME).exists():
        return read_manifest(dataset)
    if dataset.is_dir() and any(dataset.iterdir()) and not WorkFolder(dataset).root.is_dir():
        msg = f"DATASET {dataset} is a folder with other files in it. Expected one that does not exist yet, is empty, or holds a dataset."
        raise UsageError(msg)
    return None


def _require_same(existing: Manifest, plan: ConversionPlan, dataset: Path) -> None:
    asked = plan.job.options.to_json()
    names = dict.fromkeys([*asked, *existing.options])
    changed = [name for name in names if existing.options.get(name) != asked.get(name)]
    if changed:
        differences = ", ".join(
            f"{name} {existing.options.get(name)} -> {asked.get(name)}" for name in changed
        )
        what = f"was made with other options ({differences})"
    elif existing.source.digest != plan.job.source_digest:
        what = f"was made from other files (it knows {existing.source.files}, SOURCE has {plan.job.files})"
    else:
        return
    msg = f"DATASET {dataset} is complete, but {what}. Give --overwrite to replace it, or choose another folder."
    raise UsageError(msg)
