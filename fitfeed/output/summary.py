"""What `fitfeed convert` prints when it is done, and what `--dry-run` prints instead."""

import dataclasses
from collections.abc import Iterable

from fitfeed.beam_jobs import ConversionResult, PlannedConversion
from fitfeed.converters.duplicate_pair import NearDuplicateReport
from fitfeed.converters.link_report import LinkReport
from fitfeed.converters.planning.size_estimate import expected_bytes
from fitfeed.converters.source_file import Comparison, SomeFiles
from fitfeed.converters.staging.job import ConversionPlan, Job
from fitfeed.output.byte_size import human_bytes
from fitfeed.output.class_counts import class_counts_line
from fitfeed.output.dataset_text import splits_table, statistics_lines
from fitfeed.output.source_facts import (
    depth_lines,
    depth_warnings,
    ignored_lines,
    mask_value_lines,
    other_files,
    profile_lines,
)
from fitfeed.output.training_lines import training_lines
from fitfeed.schemas.manifest import Manifest
from fitfeed.schemas.strict_json import JsonObject

SHOWN_PAIRS = 5


def conversion_lines(conversion: ConversionResult, dataset: str) -> list[str]:
    """The summary for a person."""
    manifest = conversion.manifest
    stored = sum(split.bytes for split in manifest.splits.values())
    rate = conversion.files / conversion.seconds
    lines = [
        up_to_date_line(dataset, conversion.comparison)
        if conversion.up_to_date
        else f"{dataset} is complete",
        *_added_lines(conversion),
        *_gone_lines(conversion.gone),
        "",
    ]
    lines += splits_table(manifest)
    lines += ["", _rejects_line(manifest, conversion.unnamed), *ignored_lines(conversion.ignored_extensions)]
    lines.append(_duplicates_line(manifest))
    lines += _near_duplicates_lines(conversion.near_duplicates)
    lines += _links_lines(conversion.links)
    lines.append(f"bytes      {human_bytes(conversion.source_bytes)} in, {human_bytes(stored)} out")
    if not conversion.up_to_date:
        reused = (
            f", {conversion.reused_shards} shards of an earlier run re-used"
            if conversion.reused_shards
            else ""
        )
        lines.append(f"time       {conversion.seconds:.1f} s, {rate:.0f} images/s{reused}")
    lines += statistics_lines(manifest)
    lines += [*mask_value_lines(manifest), *depth_lines(manifest), *profile_lines(manifest)]
    lines += _warnings(conversion)
    return [*lines, "", *training_lines(dataset, manifest)]


def up_to_date_line(dataset: str, comparison: Comparison | None) -> str:
    """Says that nothing is to be done, and how that was found out."""
    parts = []
    if comparison is not None and comparison.times > comparison.etags:
        parts.append(f"{comparison.times - comparison.etags:,} sizes and times")
    if comparison is not None and comparison.etags:
        parts.append(f"{comparison.etags:,} sizes and ETags")
    if comparison is not None and comparison.contents:
        parts.append(f"{comparison.contents:,} contents")
    compared = f"compared {', '.join(parts)}; " if parts else ""
    return f"{dataset} is up to date: {compared}nothing to do"


def _gone_lines(gone: SomeFiles) -> list[str]:
    """Which examples of an append are of files that are no longer there."""
    if not gone.count:
        return []
    return [
        f"gone       {gone.count} examples are of files that SOURCE no longer has ({gone}); they stay in the dataset"
    ]


def comparison_document(comparison: Comparison | None, gone: SomeFiles) -> JsonObject:
    """What was compared, and what is gone, as JSON."""
    compared: JsonObject | None = None
    if comparison is not None:
        compared = {
            "sizes_and_times": comparison.times,
            "contents": comparison.contents,
            "not_compared": comparison.not_compared,
        }
    return {"compared": compared, "gone": dataclasses.asdict(gone)}


def _added_lines(conversion: ConversionResult) -> list[str]:
    """What was added to a dataset."""
    if conversion.added is None or conversion.up_to_date:
        return []
    names = conversion.manifest.class_names
    by_split = ", ".join(f"{split} {count}" for split, count in conversion.added.items() if count)
    return [
        f"added      {sum(conversion.added.values())} images{f' ({by_split})' if by_split else ''}",
        *(f"new class  {name!r} is label {names.index(name)}" for name in conversion.new_classes),
    ]


def _rejects_line(manifest: Manifest, unnamed: int) -> str:
    ignored = _ignored(other_files(manifest), unnamed)
    if not manifest.rejects:
        return f"rejects    none ({ignored} ignored)"
    reasons = ", ".join(f"{count} {reason}" for reason, count in manifest.rejects.items())
    return f"rejects    {sum(manifest.rejects.values())} ({reasons}); {ignored} ignored; see rejects.jsonl"


def _ignored(count: int, unnamed: int) -> str:
    """What was ignored: pictures are not called other files."""
    others = f"{max(0, count - unnamed)} other files"
    return f"{unnamed} pictures that no row of the table names and {others}" if unnamed else others


def _duplicates_line(manifest: Manifest) -> str:
    found = manifest.duplicates
    parts = []
    if found.within:
        parts.append(f"{found.within} kept within a split (--duplicates drop leaves them out)")
    if found.across_splits:
        parts.append(f"{found.across_splits} across splits, allowed by --allow-leaks")
    if found.dropped:
        parts.append(f"{found.dropped} left out, see rejects.jsonl")
    return f"duplicates {'; '.join(parts) or 'none'}"


def _near_duplicates_lines(found: NearDuplicateReport | None) -> list[str]:
    """How many images look like another one, and the first of them."""
    if found is None or not found.pairs:
        return []
    least = "" if found.exhaustive else "at least "
    lines = [
        f"similar    {least}{found.within} within a split, {found.across_splits} across splits; all are kept. Look at:"
    ]
    lines += [
        f"           {' ~ '.join(pair.paths)} ({pair.distance} of 128 bits differ)"
        for pair in found.pairs[:SHOWN_PAIRS]
    ]
    return lines


def _links_lines(links: LinkReport) -> list[str]:
    """How many images are outside SOURCE, and which links lead there."""
    lines = []
    if links.outside_files:
        more = ", ..." if links.outside_links > len(links.first) else ""
        shown = ", ".join(f"{link} -> {place}" for link, place in links.first.items())
        lines.append(
            f"links      {links.outside_links} lead out of SOURCE, to {links.outside_files} images or masks (--links refuse allows none):"
        )
        lines.append(f"           {shown}{more}")
    if links.not_followed:
        lines.append(
            f"links      {links.not_followed} to folders that are listed often enough were not followed; see rejects.jsonl"
        )
    return lines


def _warnings(conversion: ConversionResult) -> list[str]:
    """What planning warned of, and what only the pixels told."""
    manifest = conversion.manifest
    lines = _planned_warnings([*conversion.warnings, *depth_warnings(manifest)])
    if manifest.duplicates.label_conflicts:
        lines.append(
            f"warning: images with the pixels of another one in their split, but with another label: {manifest.duplicates.label_conflicts}"
        )
        conflicts = [pair.paths for pair in conversion.duplicates if pair.kind == "label_conflict"]
        lines += [f"  {copy} = {first}" for copy, first in conflicts[:SHOWN_PAIRS]]
    return ["", *lines] if lines else []


def _planned_warnings(warnings: Iterable[str]) -> list[str]:
    return [f"warning: {warning}" for warning in warnings]


@dataclasses.dataclass(frozen=True)
class PlannedSplit:
    """What a split would get.

    Attributes:
        images: How many.
        shards: How many.
        class_counts: Images of each class, by name.
    """

    images: int
    shards: int
    class_counts: dict[str, int]


def planned_splits(plan: ConversionPlan) -> dict[str, PlannedSplit]:
    """What each split would get, by name."""
    splits = {}
    for name in plan.job.splits:
        shards = [shard for shard in plan.outlines if shard.split == name]
        counts = zip(plan.job.class_names, plan.class_counts[name], strict=True)
        images = sum(shard.images for shard in shards)
        splits[name] = PlannedSplit(images=images, shards=len(shards), class_counts=dict(counts))
    return splits


def dry_run_document(planned: PlannedConversion) -> JsonObject:
    """What a conversion would do, for `--dry-run --json`."""
    job = planned.plan.job
    return {
        "format": job.options.format,
        "options": job.options.to_json(),
        "labels": {name: label.to_json() for name, label in job.features.items()},
        "class_names": job.class_names,
        "splits": {name: dataclasses.asdict(split) for name, split in planned_splits(planned.plan).items()},
        "source_bytes": job.bytes,
        "expected_bytes": _expected_bytes(job),
        "links": dataclasses.asdict(planned.plan.links),
        "warnings": planned.plan.warnings,
        "rejects": len(job.rejects),
        "ignored": len(job.ignored),
        "unnamed": job.unnamed,
        "ignored_extensions": job.ignored_extensions,
        **comparison_document(planned.plan.comparison, planned.plan.gone),
        "up_to_date": planned.up_to_date,
    }


def dry_run_lines(planned: PlannedConversion, dataset: str) -> list[str]:
    """The same for a person."""
    if planned.up_to_date:
        return [
            up_to_date_line(dataset, planned.plan.comparison),
            *_gone_lines(planned.plan.gone),
            *_planned_warnings(planned.plan.warnings),
        ]
    job = planned.plan.job
    options = job.options
    lines = ["nothing was done; without --dry-run this would be converted:", ""]
    for name, split in planned_splits(planned.plan).items():
        lines.append(f"{name:<10} {split.images} images into {split.shards} {options.format} shards")
        counts = class_counts_line(split.class_counts)
        lines += [f"           {counts}"] if counts else []
    return [
        *lines,
        "",
        f"encoding   {options.encoding}{', 16 bits' if options.depth == 16 else ''}",
        f"bytes      {human_bytes(job.bytes)} in, about {human_bytes(_expected_bytes(job))} out",
        f"ignored    {_ignored(len(job.ignored), job.unnamed)}; rejected {len(job.rejects)} images or rows without a label",
        *ignored_lines(job.ignored_extensions),
        *_gone_lines(planned.plan.gone),
        *_links_lines(planned.plan.links),
        *_planned_warnings(planned.plan.warnings),
    ]


def _expected_bytes(job: Job) -> int:
    """Bytes that all images would take."""
    return expected_bytes(job.files, job.bytes, job.options)
