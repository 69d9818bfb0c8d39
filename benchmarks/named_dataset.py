"""Makes a dataset of a plan whose images nobody has seen: manifest and indexes are whole, and the shards are holes of the right size."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from fitfeed.converters.staging.job import ConversionPlan, ShardPlan
from fitfeed.schemas.features import FOLDER_LABELS
from fitfeed.schemas.files import file_sha256
from fitfeed.schemas.index import index_schema, write_index
from fitfeed.schemas.manifest import MANIFEST_NAME, REJECTS_NAME, build_manifest
from fitfeed.schemas.manifest_parts import Extent, File, NamedSource, Shard, Split, Statistics
from fitfeed.schemas.packed_texts import PackedTexts
from fitfeed.schemas.sharding import index_file_name
from fitfeed.schemas.side_tables import SOURCES_NAME, write_table
from fitfeed.schemas.statistics import ChannelStatistics
from fitfeed.schemas.storage.local import LocalPlace

PIXEL = Extent(min=1, p5=1, median=1, p95=1, max=1)
"""Each image would have one black pixel."""


def make_named_dataset(folder: Path, plan: ConversionPlan) -> None:
    """Makes the dataset.

    Args:
        folder: Where it is made.
        plan: The plan, of a source with class folders.
    """
    folder.mkdir()
    (folder / REJECTS_NAME).touch()
    job = plan.job
    splits = {
        split: _split(folder, split, [plan.shards[number] for number in numbers], len(job.class_names))
        for split, numbers in job.splits.items()
    }
    described = splits[job.statistics_split]
    manifest = build_manifest(
        format=job.options.format,
        features={
            "image": {"dtype": "uint8", "shape": (None, None, 3), "encoding": "keep"},
            "label": {"kind": "class", "class_names": job.class_names, "class_order": "text"},
            "key": {},
        },
        splits=splits,
        statistics=Statistics.of(
            ChannelStatistics(described.counts), split=job.statistics_split, images=described.examples
        ),
        rejects={},
        ignored=0,
        profiles={},
        depths={8: job.files},
        largest_value=None,
        duplicates={"within": 0, "label_conflicts": 0, "across_splits": 0, "dropped": 0},
        rejects_file=_file(folder / REJECTS_NAME),
        options=job.options.to_json(),
        sources=[NamedSource(name=root.name, kind=root.kind, uri=None) for root in job.sources],
        source={"files": job.files, "digest": job.source_digest},
    )
    write_table(LocalPlace(folder), SOURCES_NAME, plan.sources)
    (folder / MANIFEST_NAME).write_text(manifest.to_json())


def _split(folder: Path, split: str, plans: list[ShardPlan], classes: int) -> Split:
    """Writes the index of a split, and its shards as holes."""
    counts = [len(plan.keys) for plan in plans]
    known: dict[str, Any] = {
        "key": pa.concat_arrays([PackedTexts.of(plan.keys).arrow for plan in plans]),
        "label": np.concatenate([np.array(plan.labels["label"]) for plan in plans]),
        "shard": np.repeat(np.arange(len(plans)), counts),
        "source_bytes": np.concatenate([np.array(plan.bytes) for plan in plans]),
        "source_format": ["JPEG"] * sum(counts),
        "profile": [None] * sum(counts),
    }
    known["path"] = known["key"]
    columns = {
        field.name: known[field.name] if field.name in known else _zeros(field.type, sum(counts))
        for field in index_schema(FOLDER_LABELS)
    }
    index = folder / index_file_name(split)
    write_index(index, columns)
    return Split(
        examples=sum(counts),
        bytes=sum(sum(plan.bytes) for plan in plans),
        class_counts=np.bincount(known["label"], minlength=classes).tolist(),
        height=PIXEL,
        width=PIXEL,
        index=_file(index),
        shards=[_hole(folder / plan.file, sum(plan.bytes), len(plan.keys)) for plan in plans],
        histogram=[[sum(counts), *[0] * 255]] * 3,
    )


def _zeros(kind: Any, count: int) -> Any:
    if pa.types.is_fixed_size_binary(kind):
        return pa.array([bytes(kind.byte_width)], kind).take(pa.array(np.zeros(count, np.int64)))
    return pa.array(np.zeros(count, kind.to_pandas_dtype()))


def _hole(path: Path, size: int, examples: int) -> Shard:
    path.touch()
    os.truncate(path, size)
    return Shard(file=path.name, bytes=size, sha256="0" * 64, examples=examples)


def _file(path: Path) -> File:
    return File(file=path.name, bytes=path.stat().st_size, sha256=file_sha256(path))
