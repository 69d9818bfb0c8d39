"""All examples of a dataset as one Parquet file: keys, labels, splits, where each image is stored, and no pixels."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from fitfeed.export.own_files import MARK
from fitfeed.schemas.features import ClassFeature, Features, LabelFeature

if TYPE_CHECKING:
    from fitfeed.pipelines import Dataset

ROWS_AT_ONCE = 1 << 17
"""In a row group of the file, and in memory while it is written."""

PLACE = ("shard", "offset", "length", "crc32c", "height", "width")
"""Columns of the index that say where an image is stored, and how large it is. `shard` becomes the name of the file."""

_TYPES = {
    "class": pa.int64(),
    "int": pa.int64(),
    "float": pa.float64(),
    "floats": pa.large_list(pa.float64()),
    "multiclass": pa.large_list(pa.int64()),
    "text": pa.large_string(),
}
_PLACE_TYPES = (pa.string(), pa.int64(), pa.int64(), pa.uint32(), pa.int32(), pa.int32())


def split_column(labels: Sequence[str]) -> str:
    """The column of split names: "split", unless a label is called so."""
    name = "split"
    while name in labels:
        name += "_"
    return name


def named_classes(features: Features) -> dict[str, str]:
    """Labels with one class to the column of its name. A label that is called so keeps its own column instead."""
    names = {
        name: f"{name}_name" for name, feature in features.labels.items() if isinstance(feature, ClassFeature)
    }
    return {name: column for name, column in names.items() if column not in features.labels}


def table_labels(features: Features) -> dict[str, LabelFeature]:
    """The labels that have a column: all but masks."""
    return {name: feature for name, feature in features.labels.items() if feature.kind != "mask"}


def write_example_table(dataset: "Dataset", indexes: Mapping[str, pa.Table], path: Path) -> None:
    """Writes the table, some rows at a time, split by split in stored order.

    Args:
        dataset: The dataset.
        indexes: What `Dataset.index` gives for each of its splits.
        path: The file.

    Raises:
        OSError: If it cannot be written.
    """
    schema = _schema(dataset.manifest.features)
    with pq.ParquetWriter(path, schema) as writer:
        for split in dataset.splits:
            index = indexes[split]
            for first in range(0, len(index), ROWS_AT_ONCE):
                writer.write_table(_rows(dataset, split, index.slice(first, ROWS_AT_ONCE)).cast(schema))


def _schema(features: Features) -> pa.Schema:
    labels = table_labels(features)
    return pa.schema(
        {
            split_column([*features.labels]): pa.string(),
            "key": pa.large_string(),
            **{name: _TYPES[feature.kind] for name, feature in labels.items()},
            **dict.fromkeys(named_classes(features).values(), pa.string()),
            **dict(zip(PLACE, _PLACE_TYPES, strict=True)),
        },
        metadata={"written by": MARK},
    )


def _rows(dataset: "Dataset", split: str, index: pa.Table) -> pa.Table:
    features = dataset.manifest.features
    files = pa.array([shard.file for shard in dataset.splits[split].shards], pa.string())
    return pa.table(
        {
            split_column([*features.labels]): pa.array([split] * len(index), pa.string()),
            "key": index["key"],
            **{name: index[name] for name in table_labels(features)},
            **{column: index[column] for column in named_classes(features).values()},
            **{name: index[name] for name in PLACE},
            "shard": files.take(index["shard"].combine_chunks()),
        }
    )
