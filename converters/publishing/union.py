"""Describes a dataset with all that a conversion adds to it. A new dataset is an append to an empty one."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np

from fitfeed.converters.planning.base_dataset import BaseDataset
from fitfeed.converters.publishing.split_index import file_entry, write_split
from fitfeed.converters.reading.open_reader import open_reader
from fitfeed.converters.rejects import Reject, count_reasons, to_json_lines
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.results import ShardResult
from fitfeed.schemas.features import ImageFeature, MaskFeature
from fitfeed.schemas.manifest import Manifest, build_manifest
from fitfeed.schemas.manifest_parts import DeepSources, File, NamedSource, Split, Statistics
from fitfeed.schemas.statistics import ChannelStatistics
from fitfeed.schemas.storage.many import at_once, for_each
from fitfeed.schemas.storage.place import Found, Place

INDEXES = 2
"""Indexes that are built and put at once. Each is in memory, and in the folder for temporary files."""

T = TypeVar("T", int, str)


class WrittenUnion(NamedTuple):
    """A dataset with all that a conversion adds to it.

    Attributes:
        manifest: Its manifest.
        written: The files that were written for it now, with their identities.
    """

    manifest: Manifest
    written: list[Found]


def write_union(
    place: Place,
    job: Job,
    base: BaseDataset | None,
    added: Mapping[str, Sequence[ShardResult]],
    listed: Sequence[Reject],
    copies: Mapping[str, int],
    *,
    index_name: Callable[[str], str],
    rejects_name: str,
    require_ours: Callable[[], None] = lambda: None,
) -> WrittenUnion:
    """Writes indexes and the list of rejects, and describes the whole dataset.

    Args:
        place: Where they are written: the dataset, or the folder of the job.
        job: The job.
        base: The dataset that is appended to; None for a new one.
        added: Split name to the results of the shards that are added to it.
        listed: The whole list of rejects.
        copies: Duplicates among the images that were added: see `DuplicateReport`.
        index_name: Split name to the name of its index file.
        rejects_name: Name of the list of rejects.
        require_ours: Raises an error if another launch has begun meanwhile. It is called before each file gets its name.

    Returns:
        The manifest, which names the new files by these names; and these files.

    Raises:
        OSError: If a file cannot be written.
    """
    before = None if base is None else base.manifest
    splits: dict[str, Split] = {}
    if before is not None:
        classes = len(job.class_names if added else before.class_names)
        splits = {name: _with_classes(split, classes) for name, split in before.splits.items()}

    def write(name: str) -> tuple[Split, Found]:
        held = (
            (base.manifest.splits[name], base.indexes[name])
            if base is not None and name in base.manifest.splits
            else None
        )
        return write_split(place, index_name(name), added[name], job, before=held, require_ours=require_ours)

    (rejects_file, rejects_found), indexes = at_once(
        place,
        partial(_write_rejects, place, rejects_name, listed, require_ours),
        partial(for_each, place, write, added, most=INDEXES),
    )
    splits |= {name: split for name, (split, _) in zip(added, indexes, strict=True)}
    written = [rejects_found, *(found for _, found in indexes)]
    image = _image_feature(job) if before is None else before.features.image
    features: dict[str, object] = {"image": image} if before is None else before.features.model_dump()
    if added:  # with the classes that came with them
        features |= {name: label.feature(image) for name, label in job.features.items()}
    results = list(itertools.chain.from_iterable(added.values()))
    features |= _with_values(features, before, results)
    counted = {} if before is None else before.duplicates.model_dump()
    manifest = build_manifest(
        format=job.options.format,
        features=features,
        splits=splits,
        statistics=_statistics(job, before, splits),
        rejects=count_reasons(reject for reject in listed if reject.handling == "rejected"),
        ignored=sum(reject.handling == "ignored" for reject in listed),
        profiles=_counts(
            {} if before is None else before.profiles,
            (name for result in results for name in result.rows.profile if name is not None),
        ),
        depths=_counts(
            {} if before is None else before.depths,
            (bits for result in results for bits in result.rows.source_depth),
        ),
        largest_value=_largest_value(splits) if image.depth == 16 else None,
        deep_sources=_deep_sources(job, before, results),
        duplicates={name: counted.get(name, 0) + count for name, count in copies.items()},
        rejects_file=rejects_file,
        options=job.options.to_json() if before is None else before.options,
        sources=_named_sources(job, [] if before is None else before.sources),
        source={"files": job.base.source_files if job.base else job.files, "digest": job.source_digest},
    )
    return WrittenUnion(manifest, written)


def _write_rejects(
    place: Place, name: str, listed: Sequence[Reject], require_ours: Callable[[], None]
) -> tuple[File, Found]:
    with place.writing(name) as built:
        built.path.write_text(to_json_lines(listed), encoding="utf-8", newline="")
        entry = file_entry(built.path, name)
        require_ours()
    return entry, built.found


def _with_classes(split: Split, classes: int) -> Split:
    """The split with counts of 0 for new classes."""
    counts = split.class_counts
    return split.model_copy(update={"class_counts": [*counts, *[0] * (classes - len(counts))]})


def _counts(before: Mapping[T, int], values: Iterable[T]) -> dict[T, int]:
    """How often each value occurs, in ascending order, with what was counted before."""
    counted = Counter(before)
    counted.update(values)
    return dict(sorted(counted.items()))


def _largest_value(splits: Mapping[str, Split]) -> int:
    return max(
        int(np.flatnonzero(split.counts.any(axis=0))[-1]) for split in splits.values() if split.examples
    )


def _deep_sources(job: Job, before: Manifest | None, results: Sequence[ShardResult]) -> DeepSources | None:
    """What the files with more than 8 bits were; None if the stored pixels say it, or there are none."""
    white = job.options.white
    if job.options.depth == 16 and white is None:
        return None
    values = [value for result in results for value in result.rows.source_largest if value]
    held = None if before is None else before.deep_sources
    if held is None and not values:
        return None
    clipped = 0 if white is None else sum(value > white for value in values)
    return DeepSources(
        largest=max([*values, *([] if held is None else [held.largest])]),
        clipped=clipped + (0 if held is None else held.clipped),
    )


def _with_values(
    features: Mapping[str, object], before: Manifest | None, results: Sequence[ShardResult]
) -> dict[str, MaskFeature]:
    """The masks, with the values that occur in them."""
    masks = {}
    for name, feature in features.items():
        if isinstance(feature, MaskFeature):
            held = None if before is None else before.features.labels.get(name)
            counts = np.zeros(256, np.int64)
            for value, count in held.values.items() if isinstance(held, MaskFeature) else ():
                counts[value] += count
            for result in results:
                counts += np.array(result.mask_values[name], np.int64)
            values = {int(value): int(counts[value]) for value in np.flatnonzero(counts)}
            masks[name] = feature.model_copy(update={"values": values})
    return masks


def _named_sources(job: Job, before: Sequence[NamedSource]) -> list[NamedSource]:
    """The sources that the dataset has, and those that the job adds."""
    added = [
        NamedSource(name=source.name, kind=source.kind, uri=open_reader(source.folder).uri_digest())
        for source in job.sources
        if source.number >= len(before)
    ]
    return [*before, *added]


def _image_feature(job: Job) -> ImageFeature:
    options = job.options
    height, width = options.fixed_shape or (None, None)
    return ImageFeature(
        dtype="uint16" if options.depth == 16 else "uint8",
        shape=(height, width, options.channels),
        encoding=options.encoding or "keep",  # never None once the options are made
    )


def _statistics(job: Job, before: Manifest | None, splits: Mapping[str, Split]) -> Statistics:
    """The statistics of the split that was described before, or of a new split `train`, which takes precedence."""
    name = job.statistics_split
    if before is not None and name not in splits:  # nothing of it could be converted
        name = before.statistics.split
    split = splits[name]
    return Statistics.of(ChannelStatistics(split.counts), split=name, images=split.examples)
