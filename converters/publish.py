"""Publication: check that nothing is missing, then index, shards in place, manifest last."""

import dataclasses
import itertools
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from converters.dropping import drop_rows
from converters.duplicates import Review, review
from converters.rejects import Reject, to_json_lines
from converters.shard import ShardTotals
from converters.work import Job, WorkFolder, write_json, write_text
from converters.writers.base import file_sha256, sync_folder
from schemas.errors import ConversionError
from schemas.index import index_schema, write_index
from schemas.manifest import MANIFEST_NAME, REJECTS_NAME, Extent, Manifest, Statistics, build_manifest
from schemas.sharding import index_file_name
from schemas.statistics import ChannelStatistics, Histogram, add_histograms

Status = Literal["published", "leaks", "duplicates", "too_many_rejects", "nothing_left"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """What publication decided.

    Attributes:
        status: `published`, or why not.
        rejects: Number of rejects by reason.
        allowed: How many rejects were tolerated.
        first_rejects: The first few, to show.
        reused: Shards that an earlier run had finished.
        copies: How many examples have the pixels of another one: see `duplicates.Review`.
        pairs: The first few of them, and what they are copies of.
        lookalikes: The same for near-duplicates.
    """

    status: Status
    rejects: dict[str, int]
    allowed: int
    first_rejects: list[dict[str, Any]]
    reused: int
    copies: dict[str, int]
    pairs: list[dict[str, Any]]
    lookalikes: dict[str, Any]


SHOWN_REJECTS = 5


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
    ordered = _check_complete(job, totals)
    rejects = [Reject(**content) for content in job.rejects]
    results = [_require_result(work, shard.number) for shard in ordered]
    rejects += [Reject(**content) for result in results for content in result["rejects"]]
    found = review(job, results)
    rejects += found.rejects
    outcome = _decide(job, rejects, ordered, found)
    try:
        if outcome.status == "published":
            shutil.rmtree(work.kept, ignore_errors=True)  # of an interrupted publication
            if found.dropped:
                results = drop_rows(work, job, results, found.dropped)
            _publish_files(work, job, results, rejects, found.copies)
        write_json(work.root / "outcome.json", dataclasses.asdict(outcome))
    except OSError as error:
        raise work.write_error(error) from error
    return outcome


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


def _require_result(work: WorkFolder, number: int) -> dict[str, Any]:
    result = work.read_result(number)
    if result is None:
        msg = f"the result of shard {number} is missing from {work.root}. Run the same command again: it continues."
        raise ConversionError(msg)
    return result


def _decide(job: Job, rejects: list[Reject], totals: Sequence[ShardTotals], found: Review) -> Outcome:
    bad = [reject for reject in rejects if reject.handling == "rejected"]
    counted = sum(shard.examples for shard in totals if shard.number in job.splits[job.statistics_split])
    status: Status = "published"
    if found.copies["across_splits"] and not job.allow_leaks:
        status = "leaks"
    elif found.copies["within"] and job.options.duplicates == "fail":
        status = "duplicates"
    elif len(bad) > job.allowed_rejects:
        status = "too_many_rejects"
    elif not counted:
        status = "nothing_left"
    first = sorted(bad, key=lambda reject: reject.path)[:SHOWN_REJECTS]
    return Outcome(
        status=status,
        rejects=_count_reasons(bad),
        allowed=job.allowed_rejects,
        first_rejects=[dataclasses.asdict(reject) for reject in first],
        reused=sum(shard.reused for shard in totals),
        copies=found.copies,
        pairs=found.pairs,
        lookalikes=found.lookalikes,
    )


def _count_reasons(rejects: Sequence[Reject]) -> dict[str, int]:
    return dict(sorted(Counter(reject.reason for reject in rejects).items()))


def _publish_files(
    work: WorkFolder,
    job: Job,
    results: list[dict[str, Any]],
    rejects: list[Reject],
    copies: dict[str, int],
) -> None:
    listed = [*rejects, *(Reject(**content) for content in job.ignored)]
    write_text(work.root / REJECTS_NAME, to_json_lines(listed))
    splits = {
        name: _split(work, job, name, [results[number] for number in numbers])
        for name, numbers in job.splits.items()
    }
    manifest = build_manifest(
        format=job.options.format,
        features={
            "image": {"shape": _image_shape(job), "encoding": job.options.encoding},
            **{name: _label_feature(job, feature) for name, feature in job.labels.items()},
        },
        splits=splits,
        statistics=_statistics(job, results),
        rejects=_count_reasons([reject for reject in listed if reject.handling == "rejected"]),
        ignored=sum(reject.handling == "ignored" for reject in listed),
        duplicates=copies,
        rejects_file=_file_entry(work.root / REJECTS_NAME),
        options=job.options.to_json(),
        source={"files": job.files, "digest": job.source_digest},
    )
    _move_into_place(work, manifest)


def _label_feature(job: Job, feature: dict[str, Any]) -> dict[str, Any]:
    if feature["kind"] != "mask":
        return feature
    encoding = "raw" if job.options.encoding == "raw" else "png"
    return {**feature, "shape": (*_image_shape(job)[:2], 1), "encoding": encoding}


def _image_shape(job: Job) -> tuple[int | None, int | None, int]:
    height, width = job.options.fixed_shape or (None, None)
    return height, width, job.options.channels


def _statistics(job: Job, results: Sequence[dict[str, Any]]) -> Statistics:
    counted = [results[number] for number in job.splits[job.statistics_split]]
    histograms: list[Histogram] = [np.asarray(result["histogram"], np.int64) for result in counted]
    exact = ChannelStatistics(add_histograms(histograms, channels=job.options.channels))
    images = sum(result["shard"]["examples"] for result in counted)
    return Statistics.of(exact, split=job.statistics_split, images=images)


def _split(work: WorkFolder, job: Job, name: str, results: list[dict[str, Any]]) -> dict[str, Any]:
    """Writes a split's index and describes the split for the manifest."""
    columns: dict[str, list[Any]] = {field.name: [] for field in index_schema(job.kinds)}
    for position, result in enumerate(results):
        for column, values in result["rows"].items():
            columns[column].extend(values)
        columns["shard"].extend([position] * result["shard"]["examples"])
    index_path = work.root / index_file_name(name)
    write_index(index_path, columns, job.kinds)
    return {
        "examples": sum(result["shard"]["examples"] for result in results),
        "bytes": sum(result["shard"]["bytes"] for result in results),
        "class_counts": _class_counts(job, columns),
        "height": _extent(columns["height"]),
        "width": _extent(columns["width"]),
        "index": _file_entry(index_path),
        "shards": [result["shard"] for result in results],
    }


def _class_counts(job: Job, columns: dict[str, list[Any]]) -> list[int]:
    """How many examples have each of the classes that `class_names` is about."""
    if job.classes is None:
        return []
    labels: Iterable[Any] = columns[job.classes]
    if job.kinds[job.classes] == "multiclass":
        labels = itertools.chain.from_iterable(labels)
    counts: list[int] = np.bincount(np.fromiter(labels, np.int64), minlength=len(job.class_names)).tolist()
    return counts


def _extent(values: list[int]) -> Extent | None:
    if not values:
        return None
    low, p5, median, p95, high = (
        np.percentile(values, [0, 5, 50, 95, 100], method="inverted_cdf").astype(int).tolist()
    )
    return Extent(min=low, p5=p5, median=median, p95=p95, max=high)


def _file_entry(path: Path) -> dict[str, Any]:
    return {"file": path.name, "bytes": path.stat().st_size, "sha256": file_sha256(path)}


def _move_into_place(work: WorkFolder, manifest: Manifest) -> None:
    """Replaces whatever dataset stood here. From the first line to the last it is incomplete."""
    (work.dataset / MANIFEST_NAME).unlink(missing_ok=True)
    files = [manifest.rejects_file.file]
    for split in manifest.splits.values():
        files += [split.index.file, *(shard.file for shard in split.shards)]
    for name in files:
        for folder in (work.root, work.kept, work.shards):
            if (folder / name).exists():  # if not, an interrupted publication moved it already
                (folder / name).replace(work.dataset / name)
                break  # a shard without its duplicates replaces the whole one
    _remove_leftovers(work, keep={*files, work.root.name})
    sync_folder(work.dataset)
    write_text(work.root / MANIFEST_NAME, manifest.to_json())
    (work.root / MANIFEST_NAME).replace(work.dataset / MANIFEST_NAME)
    sync_folder(work.dataset)


def _remove_leftovers(work: WorkFolder, keep: set[str]) -> None:
    """Removes the files of the dataset that this one replaces."""
    for pattern in ("*-of-*.tfrecord", "*-of-*.h5", "*.index.arrow"):
        for path in work.dataset.glob(pattern):
            if path.name not in keep:
                path.unlink()


def clean_up(work: WorkFolder) -> None:
    """Removes the working folder of a published dataset."""
    shutil.rmtree(work.root)
