"""The manifest of a dataset with what a conversion adds to it. A new dataset is an append to nothing."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from fitfeed.converters.planning.base_dataset import BaseDataset
from fitfeed.converters.publishing.split_index import file_entry, write_split
from fitfeed.converters.rejects import Reject, count_reasons, text_path, to_json_lines
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.results import ShardResult
from fitfeed.schemas.features import ImageFeature
from fitfeed.schemas.files import atomic_write
from fitfeed.schemas.manifest import Manifest, build_manifest
from fitfeed.schemas.manifest_parts import MAX_SOURCE_NAME, NamedSource, Split, Statistics
from fitfeed.schemas.statistics import ChannelStatistics


def write_union(
    work: WorkFolder,
    job: Job,
    base: BaseDataset | None,
    added: Mapping[str, Sequence[ShardResult]],
    listed: Sequence[Reject],
    copies: Mapping[str, int],
    *,
    index_name: Callable[[str], str],
    rejects_name: str,
) -> Manifest:
    """Writes indexes and list of rejects to the working folder, and describes the whole.

    Args:
        work: The working folder.
        job: The job.
        base: The dataset that is appended to; None for a new one.
        added: Split name to the results of the shards that join it.
        listed: The whole list of rejects.
        copies: Duplicates among the images that were added: see `DuplicateReport`.
        index_name: Split name to the name of its index file.
        rejects_name: Name of the list of rejects.

    Returns:
        The manifest, which names the new files by these names.

    Raises:
        OSError: If a file cannot be written.
    """
    atomic_write(work.root / rejects_name, to_json_lines(listed))
    before = None if base is None else base.manifest
    splits: dict[str, Split] = {}
    if before is not None:
        classes = len(job.class_names if added else before.class_names)
        splits = {name: _with_classes(split, classes) for name, split in before.splits.items()}
    for name, shards in added.items():
        held = (
            (base.manifest.splits[name], base.indexes[name])
            if base is not None and name in base.manifest.splits
            else None
        )
        splits[name] = write_split(work.root / index_name(name), shards, job, before=held)
    image = _image_feature(job) if before is None else before.features.image
    features: dict[str, object] = {"image": image} if before is None else before.features.model_dump()
    if added:  # with the classes that came with them
        features |= {name: label.feature(image) for name, label in job.features.items()}
    counted = {} if before is None else before.duplicates.model_dump()
    return build_manifest(
        format=job.options.format,
        features=features,
        splits=splits,
        statistics=_statistics(job, before, splits),
        rejects=count_reasons(reject for reject in listed if reject.handling == "rejected"),
        ignored=sum(reject.handling == "ignored" for reject in listed),
        duplicates={name: counted.get(name, 0) + count for name, count in copies.items()},
        rejects_file=file_entry(work.root / rejects_name),
        options=job.options.to_json() if before is None else before.options,
        sources=[_named_source(job)] if before is None else before.sources,
        source={"files": job.base.source_files if job.base else job.files, "digest": job.source_digest},
    )


def _with_classes(split: Split, classes: int) -> Split:
    """The split, without an example of those classes that are new."""
    counts = split.class_counts
    return split.model_copy(update={"class_counts": [*counts, *[0] * (classes - len(counts))]})


def _named_source(job: Job) -> NamedSource:
    return NamedSource(
        name=text_path(Path(job.source).name)[:MAX_SOURCE_NAME], kind=job.source_kind, uri=None
    )


def _image_feature(job: Job) -> ImageFeature:
    options = job.options
    height, width = options.fixed_shape or (None, None)
    return ImageFeature(
        dtype="uint16" if options.depth == 16 else "uint8",
        shape=(height, width, options.channels),
        encoding=options.encoding or "keep",  # never None once the options are made
    )


def _statistics(job: Job, before: Manifest | None, splits: Mapping[str, Split]) -> Statistics:
    """Of the split that was described before, or of a new split `train`, which takes precedence."""
    name = job.statistics_split
    if before is not None and name not in splits:  # nothing of it could be converted
        name = before.statistics.split
    split = splits[name]
    return Statistics.of(ChannelStatistics(split.counts), split=name, images=split.examples)
