"""Planning a conversion: all that is checked and decided before anything is written. `--dry-run` ends here."""

import dataclasses
import errno
import math
import os
from collections.abc import Sequence
from pathlib import Path

from fitfeed.beam_jobs.remote import check_runner
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.planning.base_dataset import (
    ARRANGEMENT,
    SHOWN_FILES,
    BaseDataset,
    append_options,
    open_base_dataset,
)
from fitfeed.converters.planning.plan import make_plan
from fitfeed.converters.planning.source_listing import changed_files, read_known_sources
from fitfeed.converters.staging.job import ConversionPlan, Job
from fitfeed.converters.staging.staging import Staging
from fitfeed.schemas.errors import DamagedDatasetError, FormatVersionError, UsageError
from fitfeed.schemas.files import locate
from fitfeed.schemas.index import Index
from fitfeed.schemas.manifest import MANIFEST_NAME, Manifest, read_manifest
from fitfeed.schemas.sharding import DATASET_PATTERNS

DEFAULT_TIMEOUT_S = 300.0
"""Four times what the largest image allowed takes in the slowest format (0.8 s of CPU time per megapixel)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlannedConversion:
    """What a conversion would do.

    Attributes:
        dataset: Absolute path of the folder to make, or to add to.
        plan: The job, and what goes into each shard.
        existing: Manifest of the complete dataset that is there; None if there is none.
        up_to_date: The dataset has everything already.
    """

    dataset: Path
    plan: ConversionPlan
    existing: Manifest | None
    up_to_date: bool


def plan_conversion(
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
) -> PlannedConversion:
    """Says what `convert` would do with the same arguments, or refuses them as it would. Writes nothing.

    Only a run can find two things: that another conversion into the folder is running, and what is in the images.
    No image is read here.

    Args:
        source: As for `convert`, like all other arguments.
        dataset: Folder to make.
        options: How to convert.
        labels: Table of labels.
        max_bad: Rejects to tolerate.
        allow_leaks: Publish even if an image, or a group, is in two splits.
        workers: Processes of the local run.
        timeout_s: Seconds that decoding one image may take.
        runner: `local`, or the name of a Beam runner.
        runner_arguments: Options for that runner.
        overwrite: Replace a complete dataset.
        append: Add to a complete dataset.

    Returns:
        The plan.

    Raises:
        UsageError, NotFoundError: If an argument, the source or the target is not what it must be.
        IncompleteDatasetError, DamagedDatasetError: If a dataset that is appended to is not whole.
        SplitLeakError: If a group is in two splits, unless `allow_leaks`.
    """
    source, dataset = Path(source), Path(dataset).absolute()
    labels = None if labels is None else Path(labels)
    check_runner(runner, runner_arguments)
    _check_arguments(source, dataset, max_bad=max_bad, workers=workers, timeout_s=timeout_s)
    if append and overwrite:
        msg = "overwrite replaces a dataset and append adds to it. Give one of them."
        raise UsageError(msg)
    seen = Staging(dataset).manifest_sha256()  # before it is read: if it changes meanwhile, that is noticed
    if append:
        base = open_base_dataset(dataset)
        existing: Manifest | None = base.manifest
        options = append_options(base.manifest, {} if options is None else _given(options))
        plan = make_plan(
            source, options, labels=labels, max_bad=max_bad, allow_leaks=allow_leaks, base=base, seen=seen
        )
        up_to_date = not _has_news(plan.job, base)
    else:
        existing = existing_dataset(dataset, overwrite=overwrite)
        options = options or ConvertOptions()
        plan = make_plan(source, options, labels=labels, max_bad=max_bad, allow_leaks=allow_leaks, seen=seen)
        up_to_date = existing is not None and not overwrite
        if existing is not None and up_to_date:
            _require_same(existing, plan, dataset)
    if not up_to_date:
        _require_writable(dataset)
    return PlannedConversion(dataset=dataset, plan=plan, existing=existing, up_to_date=up_to_date)


def existing_dataset(dataset: Path, *, overwrite: bool = False) -> Manifest | None:
    """The complete dataset that is at the target, if there is one.

    Args:
        dataset: The target.
        overwrite: Whatever dataset is there will be replaced, so one that cannot be read counts as none.

    Raises:
        UsageError: If something else is there.
        FormatVersionError: If it is a dataset of another version, unless `overwrite`.
        DamagedDatasetError: If its manifest is not what was published, unless `overwrite`.
    """
    if dataset.exists() and not dataset.is_dir():
        msg = f"DATASET {dataset} is a file. Expected a folder that does not exist yet, is empty, or holds a dataset."
        raise UsageError(msg)
    if (dataset / MANIFEST_NAME).exists():
        try:
            return read_manifest(dataset)
        except (FormatVersionError, DamagedDatasetError):
            if not overwrite:
                raise
    elif not dataset.is_dir() or not any(dataset.iterdir()) or Staging(dataset).root.is_dir():
        return None
    # Other programs write a `manifest.json`, too: without a shard or an index, this may be one of theirs.
    if overwrite and any(any(dataset.glob(pattern)) for pattern in DATASET_PATTERNS):
        return None
    msg = f"DATASET {dataset} is a folder with other files in it. Expected one that does not exist yet, is empty, or holds a dataset."
    raise UsageError(msg)


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
        msg = f"DATASET {dataset} and SOURCE {source} must not contain each other, because the next run would convert the images of the dataset, too. Choose a folder beside the source."
        raise UsageError(msg)


def _given(options: ConvertOptions) -> dict[str, object]:
    """The options as if all were given; but a number or size of shards that is None was not asked for."""
    return {
        name: value
        for name, value in dataclasses.asdict(options).items()
        if name not in ARRANGEMENT or value is not None
    }


def _has_news(job: Job, base: BaseDataset) -> bool:
    """Whether there is a file to convert, or a reject that the dataset does not list."""
    known = {reject.path for reject in base.rejects}
    return job.files > 0 or any(reject.path not in known for reject in job.rejects)


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
    elif rewritten := _rewritten(existing, plan, dataset):
        first = ", ".join(rewritten[:SHOWN_FILES])
        what = f"was made from files that have another content now ({len(rewritten)}, for example {first})"
    else:
        return
    msg = f"DATASET {dataset} is complete, but {what}. Give --overwrite to replace it, or choose another folder."
    raise UsageError(msg)


def _rewritten(existing: Manifest, plan: ConversionPlan, dataset: Path) -> list[str]:
    """Files of as many bytes as the dataset was made from, but of others."""
    if plan.listing is None:
        return []
    kinds = existing.features.label_kinds
    indexes = {
        name: Index(locate(dataset, split.index.file), kinds) for name, split in existing.splits.items()
    }
    return changed_files(plan.listing, read_known_sources(dataset), indexes)


def _require_writable(dataset: Path) -> None:
    """Asks for permission at the nearest folder that exists. Taking the lock asks again, by writing."""
    root = Staging(dataset).root
    nearest = next(path for path in (root, *root.parents) if os.path.lexists(path))
    if not nearest.is_dir():
        # It may also be a link to nothing.
        reason = errno.ENOTDIR if nearest.exists() else errno.EEXIST
    elif not os.access(nearest, os.W_OK | os.X_OK):
        reason = errno.EROFS if os.statvfs(nearest).f_flag & os.ST_RDONLY else errno.EACCES
    else:
        return
    msg = f"cannot write to DATASET {dataset}: {os.strerror(reason)}. Choose a folder that you may write to."
    raise UsageError(msg)
