"""Checks the label columns of an index against the manifest."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from fitfeed.converters.verify.rows import ShardRows
from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.features import FloatsFeature, MaskFeature, MulticlassFeature
from fitfeed.schemas.index import Index
from fitfeed.schemas.index_columns import ListColumn
from fitfeed.schemas.manifest import Manifest
from fitfeed.schemas.payload import MAX_PAYLOAD_BYTES

BLOCK_ROWS = 1 << 20

Checked = tuple[npt.NDArray[np.bool_], str]
"""The rows that are wrong, bool (rows,), and what is wrong with them."""


def check_labels(rows: ShardRows) -> Iterator[Checked]:
    """Checks the labels of one shard's rows, each by itself. The index must be there."""
    part = slice(rows.first, rows.stop)
    for name, feature in rows.manifest.features.labels.items():
        column: Any = None if rows.index is None else rows.index.labels[name]
        if isinstance(feature, MulticlassFeature):
            classes = len(feature.class_names)
            wrong = np.array(
                [not _is_set(column, row, classes) for row in range(rows.first, rows.stop)], bool
            )
            yield wrong, f"its {name} are not of 0 to {classes - 1}, ascending, each once"
        elif isinstance(feature, MaskFeature):
            yield from _check_mask(rows, name, feature)
        elif feature.kind == "class":
            label, classes = column[part], len(feature.class_names)
            yield (label < 0) | (label >= classes), f"its {name} is not one of 0 to {classes - 1}"
        elif isinstance(feature, FloatsFeature):
            wrong = np.array(
                [not _is_vector(column, row, len(feature.names)) for row in range(rows.first, rows.stop)],
                bool,
            )
            yield wrong, f"its {name} is not {len(feature.names)} finite numbers"
        elif feature.kind == "float":
            yield ~np.isfinite(column[part]), f"its {name} is not a finite number"


def _is_set(column: ListColumn, row: int, classes: int) -> bool:
    try:
        values = column[row]
    except DamagedDatasetError:
        return False
    return bool(len(values) == 0 or (values[0] >= 0 and values[-1] < classes and (np.diff(values) > 0).all()))


def _is_vector(column: ListColumn, row: int, length: int) -> bool:
    try:
        values = column[row]
    except DamagedDatasetError:
        return False
    return bool(len(values) == length and np.isfinite(values).all())


def _check_mask(rows: ShardRows, name: str, feature: MaskFeature) -> Iterator[Checked]:
    offset, length, _ = rows.masks[name]
    inside = (offset >= 0) & (length > 0) & (length <= MAX_PAYLOAD_BYTES)
    inside &= offset <= rows.shard.bytes - np.where(inside, length, 0)
    yield (
        ~inside,
        f"the bytes of its {name} are outside its shard, or none, or more than {MAX_PAYLOAD_BYTES}",
    )
    if feature.encoding == "raw":
        height, width, _ = feature.shape
        yield (
            length != (height or 0) * (width or 0),
            f"the length of its {name} does not follow from its size",
        )


def class_counts(index: Index, manifest: Manifest) -> npt.NDArray[np.int64]:
    """Number of rows with each class of `Manifest.class_names`: int64 (classes,)."""
    classes = len(manifest.class_names)
    counts = np.zeros(classes, np.int64)
    if manifest.features.classes is None:
        return counts
    name, feature = manifest.features.classes
    column: Any = index.labels[name]
    if feature.kind == "multiclass":
        for row in range(len(index)):
            if _is_set(column, row, classes):
                counts[column[row]] += 1
        return counts
    for first in range(0, len(index), BLOCK_ROWS):
        label = column[first : first + BLOCK_ROWS]
        counts += np.bincount(label[(label >= 0) & (label < classes)], minlength=classes)
    return counts
