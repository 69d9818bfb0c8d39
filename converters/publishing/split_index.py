"""Writes a split's index, and describes the split for the manifest, from the results of its shards."""

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fitfeed.converters.option_parts.storage import StorageOptions
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.results import NAMES, ShardResult
from fitfeed.schemas.files import file_sha256
from fitfeed.schemas.histogram_json import HistogramJson, histogram_from_json, histogram_to_json
from fitfeed.schemas.index import Index, index_schema, write_index
from fitfeed.schemas.index_columns import encode_names
from fitfeed.schemas.manifest_parts import Extent, File, Split
from fitfeed.schemas.statistics import Histogram, add_histograms
from fitfeed.schemas.storage.place import Found, Place

Columns: TypeAlias = dict[str, pa.Array]
"""The rows of a split, by column of the index."""


def write_split(
    place: Place,
    name: str,
    results: Sequence[ShardResult],
    job: Job,
    *,
    before: tuple[Split, Index] | None = None,
    require_ours: Callable[[], None] = lambda: None,
) -> tuple[Split, Found]:
    """Writes a split's index and describes the split for the manifest.

    Args:
        place: Where the index is written.
        name: Name of its file.
        results: Results of the shards, in the manifest's order.
        job: The job, which has the labels and their classes.
        before: What the split had already. Its rows and shards come first, and do not change.
        require_ours: Raises an error if another launch has begun meanwhile, whose index this one would replace.

    Returns:
        The split, and the file of its index.

    Raises:
        OSError: If the index cannot be written.
    """
    shards = [] if before is None else list(before[0].shards)
    columns = _columns(results, job, first_shard=len(shards))
    if before is not None:
        held = before[1].columns()
        columns = {label: pa.concat_arrays([held[label], column]) for label, column in columns.items()}
    for column in NAMES:
        names = itertools.chain.from_iterable(getattr(result.rows, column) for result in results)
        columns[column] = encode_names(names, None if before is None else getattr(before[1], column))
    with place.writing(name) as built:
        write_index(built.path, columns, job.kinds)
        index = file_entry(built.path, name)
        require_ours()  # now, and not earlier: building it may take minutes
    shards += [result.shard for result in results]
    split = Split(
        examples=sum(shard.examples for shard in shards),
        bytes=sum(shard.bytes for shard in shards),
        class_counts=_class_counts(job, columns),
        height=_extent(columns["height"].to_numpy()),
        width=_extent(columns["width"].to_numpy()),
        index=index,
        shards=shards,
        histogram=_histogram(results, job.options, [] if before is None else [before[0].counts]),
    )
    return split, built.found


def _histogram(
    results: Sequence[ShardResult], options: StorageOptions, before: Sequence[Histogram]
) -> HistogramJson:
    """The histogram of all pixels of the split."""
    # One at a time, because with 16 bits each takes a megabyte and a half.
    added = (histogram_from_json(result.histogram, options.depth) for result in results)
    return histogram_to_json(
        add_histograms(itertools.chain(before, added), channels=options.channels, depth=options.depth)
    )


def _columns(results: Sequence[ShardResult], job: Job, *, first_shard: int) -> Columns:
    """The rows of some shards, as an Arrow array for each column of the index but those of names."""
    schema = index_schema(job.kinds)
    parts: dict[str, list[Any]] = {
        field.name: [pa.array([], field.type)] for field in schema if field.name not in NAMES
    }
    for position, result in enumerate(results, start=first_shard):
        digests = result.image_hashes.digests
        columns = {
            **result.rows.by_name(),
            "shard": np.full(len(digests), position),
            "pixel_digest": [digest.tobytes() for digest in digests],
        }
        for name, column in parts.items():
            column.append(pa.array(columns[name], schema.field(name).type))
    return {name: pa.concat_arrays(column) for name, column in parts.items()}


def _class_counts(job: Job, columns: Columns) -> list[int]:
    """Number of examples of each class of `class_names`."""
    if job.classes is None:
        return []
    labels = columns[job.classes]
    if job.kinds[job.classes] == "multiclass":
        labels = labels.flatten()
    counts: list[int] = np.bincount(labels.to_numpy(), minlength=len(job.class_names)).tolist()
    return counts


def _extent(values: npt.NDArray[np.int32]) -> Extent | None:
    if not len(values):
        return None
    low, p5, median, p95, high = (
        np.percentile(values, [0, 5, 50, 95, 100], method="inverted_cdf").astype(int).tolist()
    )
    return Extent(min=low, p5=p5, median=median, p95=p95, max=high)


def file_entry(path: Path, name: str) -> File:
    """The entry of the manifest for a file, under this name."""
    return File(file=name, bytes=path.stat().st_size, sha256=file_sha256(path))
