"""Planning a conversion: all that is checked and decided before anything is written. `--dry-run` ends here."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from fitfeed.beam_jobs.engines.check_engine import check_engine
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.planning.comparison import PlanReport
from fitfeed.converters.planning.plan import make_plan
from fitfeed.converters.planning.room import require_room
from fitfeed.converters.planning.source_listing import forget_files
from fitfeed.converters.planning.target import open_target, require_apart, require_writable
from fitfeed.converters.source_file import Comparison, SomeFiles
from fitfeed.converters.sources.dataset_source import kept_options
from fitfeed.converters.sources.given_source import Sources, given_sources
from fitfeed.converters.sources.links import Links
from fitfeed.converters.sources.listed import ignore_files
from fitfeed.converters.sources.shell_pattern import pattern_hint
from fitfeed.converters.sources.source_options import SourceOptions
from fitfeed.converters.staging.job import ConversionPlan
from fitfeed.schemas.cpus import available_cpus
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.manifest import Manifest
from fitfeed.schemas.storage.open_place import open_place
from fitfeed.schemas.storage.place import Place

DEFAULT_TIMEOUT_S = 300.0
"""Four times what the largest image allowed takes in the slowest format (0.8 s of CPU time per megapixel)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlannedConversion:
    """What a conversion would do.

    Attributes:
        dataset: What is made, or added to; an absolute path, if it is a folder.
        plan: The job, and what goes into each shard.
        existing: Manifest of the complete dataset that is there; None if there is none.
        up_to_date: The dataset has everything already.
    """

    dataset: Place
    plan: ConversionPlan
    existing: Manifest | None
    up_to_date: bool


def plan_conversion(
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
    progress: PlanReport | None = None,
) -> PlannedConversion:
    """Says what `convert` would do with the same arguments, or refuses them as it would. Writes nothing.

    Only a run can find two things: that another conversion into the folder is running, and what is in the images.
    No image is read here, but those that must be compared with a dataset.

    Args:
        source: As for `convert`, like all other arguments.
        dataset: Folder to make.
        options: How to convert.
        labels: Table of labels, or `none`.
        split_lists: Split to the file that lists its images.
        leave_out: List of keys of images that are left out.
        max_bad: Rejects to tolerate.
        allow_leaks: Publish even if an image, or a group, is in two splits.
        links: Whether links that lead out of the source are followed or refused.
        table_encoding: Encoding of the table.
        table_separator: What separates its columns.
        workers: Processes of the local run.
        timeout_s: Seconds that decoding one image may take.
        runner: `local`, the name of an engine, or of a Beam runner.
        runner_arguments: Options for that runner.
        overwrite: Replace a complete dataset.
        append: Add to a complete dataset.
        check_content: Read every file that a dataset has already, and compare its bytes.
        detach: Leave the job running.
        progress: Receives the progress of listing files, and of reading those that are compared.

    Returns:
        The plan.

    Raises:
        UsageError, NotFoundError: If an argument, the source or the target is not what it must be.
        IncompleteDatasetError, DamagedDatasetError: If a dataset that is appended to is not whole.
        SplitLeakError: If a group is in two splits, unless `allow_leaks`.
        RemoteError: If a server of the engine does not answer.
    """
    _check_limits(max_bad=max_bad, workers=workers, timeout_s=timeout_s)
    sources, written = given_sources(source), open_place(dataset, "DATASET")
    place = written.absolute()
    warnings = check_engine(
        runner,
        runner_arguments,
        dataset=place,
        sources=[open_place(each.path, "SOURCE").absolute() for each in sources],
        detach=detach,
    )
    reading = SourceOptions.of(
        labels=labels,
        split_lists=split_lists,
        leave_out=leave_out,
        links=links,
        table_encoding=table_encoding,
        table_separator=table_separator,
        listed=ignore_files if progress is None else progress.listed,
    )
    for each in sources:
        require_apart(place, open_place(each.path, "SOURCE"))
    pattern = pattern_hint([each.path for each in sources], written.local_folder)
    target = open_target(place, append=append, overwrite=overwrite, pattern=pattern)
    if target.base is None and not isinstance(options, ConvertOptions):
        options = {**kept_options(sources, dict(options or {})), **(options or {})}
    if progress is not None:
        progress.listing()
    plan = make_plan(
        sources,
        target.complete(options),
        reading,
        max_bad=max_bad,
        allow_leaks=allow_leaks,
        base=target.base,
        seen=target.seen,
        check_content=check_content,
        progress=progress,
    )
    plan = dataclasses.replace(plan, warnings=[*plan.warnings, *warnings])
    comparison = target.compare(plan, check_content=check_content, progress=progress)
    if comparison is not None:
        plan = _with_comparison(plan, comparison)
    up_to_date = target.has_all_of(plan)
    if not up_to_date:
        require_writable(place)
        if runner == "local" and not place.area().builds_in_place:
            require_room(plan, workers=min(workers or available_cpus(), plan.job.shards))
    return PlannedConversion(dataset=place, plan=plan, existing=target.existing, up_to_date=up_to_date)


def _with_comparison(plan: ConversionPlan, comparison: Comparison) -> ConversionPlan:
    """The plan with what was found when files were compared. What was not compared stays so for the next run."""
    left = SomeFiles.of(comparison.not_compared)
    warnings = list(plan.warnings)
    if left.count:
        warnings.append(
            f"files that were rejected or left out, and may have changed since, because their times are others: {left.count} ({left}). --append tries them again"
        )
    return dataclasses.replace(
        plan,
        comparison=comparison,
        warnings=warnings,
        sources=forget_files(plan.sources, comparison.not_compared),
    )


def _check_limits(*, max_bad: int | float, workers: int | None, timeout_s: float) -> None:
    if not 0 <= timeout_s < math.inf:
        msg = f"timeout_s must be a number of seconds, or 0 for no limit. Received: timeout_s={timeout_s}"
        raise UsageError(msg)
    if workers is not None and workers < 1:
        msg = f"workers must be at least 1. Received: workers={workers}"
        raise UsageError(msg)
    if max_bad < 0 or (isinstance(max_bad, float) and max_bad > 1):
        msg = f"max_bad must be a number of files (0 or more) or a share of them (0.0 to 1.0, on the command line 0% to 100%). Received: max_bad={max_bad}"
        raise UsageError(msg)
