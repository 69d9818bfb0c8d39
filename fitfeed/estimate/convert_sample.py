"""Converts a sample as `fitfeed convert` would, and times it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fitfeed.beam_jobs.plan import DEFAULT_TIMEOUT_S, plan_conversion
from fitfeed.beam_jobs.process_pool import ShardPool
from fitfeed.converters.publishing.publish import publish
from fitfeed.converters.publishing.refusals import require_published
from fitfeed.converters.staging.results import ShardTotals
from fitfeed.converters.staging.staging import open_staging
from fitfeed.estimate.sample import SourceSample
from fitfeed.estimate.ways import Way
from fitfeed.schemas.errors import UsageError

COUNTED_SINGLES = 4
"""Folders of one file whose time counts. As many before them as there are workers do not: these start."""


@dataclass(frozen=True, kw_only=True)
class ConvertedSample:
    """A dataset of a sample.

    Attributes:
        dataset: Where it is. Each part is a split.
        parts: Those that have examples.
        image_bytes: Of each part, what an image takes on the disk. An image that is rejected takes nothing.
        image_s: Of each part, seconds of a worker for an image that is in memory.
        rejected: How many files cannot be converted.
    """

    dataset: Path
    parts: list[str]
    image_bytes: list[float]
    image_s: list[float]
    rejected: int


def convert_sample(sample: SourceSample, way: Way, dataset: Path, *, workers: int) -> ConvertedSample:
    """Converts a sample. Foreign bytes are decoded in the worker processes of a conversion, and nowhere else.

    Args:
        sample: The sample.
        way: How to store it.
        dataset: Folder to make.
        workers: Worker processes.

    Raises:
        UsageError: If no file can be converted.
        ConversionError: If the folder cannot be written.
    """
    names = [*sample.singles, *sample.parts]
    totals = _write(sample, way, dataset, names, workers=workers)
    of_parts = [totals[part] for part in sample.parts]
    fixed_ms = [sum(totals[single].milliseconds.values()) for single in sample.singles[-COUNTED_SINGLES:]]
    return ConvertedSample(
        dataset=dataset,
        parts=[part for part in sample.parts if totals[part].examples],
        image_bytes=[each.bytes / each.planned for each in of_parts],
        image_s=seconds_per_image(
            [(each.planned, sum(each.milliseconds.values()) / 1000) for each in of_parts],
            sum(fixed_ms) / len(fixed_ms) / 1000,
        ),
        rejected=sum(sum(each.rejects.values()) for each in of_parts),
    )


def seconds_per_image(parts: Sequence[tuple[int, float]], single_s: float) -> list[float]:
    """What an image takes, without what any shard takes: to plan, open, sync and rename it.

    A conversion has thousands of images in a shard, a part has a few. So what a shard of one image takes is subtracted, as
    one image less.

    Args:
        parts: Images and seconds of each part.
        single_s: Seconds of a shard of one image.
    """
    seconds = []
    for images, spent_s in parts:
        more = spent_s - single_s
        seconds.append(more / (images - 1) if images > 1 and more > 0 else spent_s / images)
    return seconds


def _write(
    sample: SourceSample, way: Way, dataset: Path, names: Sequence[str], *, workers: int
) -> Mapping[str, ShardTotals]:
    """Writes and publishes the shards, one for each folder."""
    options = way.options({name: name for name in names})
    # The same picture may be in several folders, and what is bad is counted.
    planned = plan_conversion(
        str(sample.folder), dataset, options, labels="none", max_bad=1.0, allow_leaks=True
    )
    with open_staging(planned.dataset) as staging:
        work = staging.prepare(planned.plan, timeout_s=DEFAULT_TIMEOUT_S)
        job = work.read_job()
        pool = ShardPool(work, job, workers=workers, timeout_s=DEFAULT_TIMEOUT_S)
        try:
            shards = {name: pool.submit(job.splits[name][0]) for name in names}
            totals = {name: shard.result() for name, shard in shards.items()}
        except RuntimeError as error:
            raise pool.error or error from None
        finally:
            pool.close()
        if not any(totals[part].examples for part in sample.parts):
            msg = f"none of the {sample.copied} images of the sample can be converted, so there is nothing to measure. `fitfeed convert` says why, image by image."
            raise UsageError(msg)
        outcome = publish(work, list(totals.values()))
        require_published(outcome, statistics_split=job.statistics_split, folder=work.root)
        staging.remove()
    return totals
