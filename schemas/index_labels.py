"""Reads labels from an index, which anybody may have written, and compares them with the features of the dataset."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.features import ClassFeature, Features, FloatsFeature, MaskFeature, MulticlassFeature
from fitfeed.schemas.index import Index
from fitfeed.schemas.payload import MAX_PAYLOAD_BYTES

THE_INDEX = "the index"
"""What an index is called in an error where its file is not known."""


def label_of(column: Any, features: Features, name: str, row: int) -> Any:
    """Reads one label of an example; the label is not a mask.

    Args:
        column: The label's column of the index, or of several that are joined.
        features: Features of the dataset.
        name: Name of the label.
        row: Row of the index.

    Returns:
        class and int: int; float: float; floats: float64 (n,); text: str; multiclass: int64 (n,), ascending class numbers.

    Raises:
        DamagedDatasetError: If the index has an impossible class, or another number of floats, there.
    """
    feature = features.labels[name]
    if isinstance(feature, MulticlassFeature):
        return classes_at(column[row], feature, name, row).copy()
    if isinstance(feature, FloatsFeature):
        return floats_at(column[row], feature, name, row).copy()
    value = column[row]
    return value if isinstance(value, str) else value.item()


def impossible_labels(
    index: Index, features: Features, shard_bytes: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Finds rows whose class does not exist, or whose mask is outside its shard or larger than any.

    Args:
        index: Index of the split.
        features: Features of the dataset.
        shard_bytes: int64 (examples,), the size of the shard of each example.

    Returns:
        bool (examples,).
    """
    wrong = np.zeros(len(index), np.bool_)
    for name, feature in features.labels.items():
        column = index.labels[name]
        if isinstance(feature, ClassFeature):
            wrong |= (column < 0) | (column >= len(feature.class_names))
        elif isinstance(feature, MaskFeature):
            wrong |= (column.offset < 0) | (column.length <= 0) | (column.length > MAX_PAYLOAD_BYTES)
            wrong |= column.offset > shard_bytes - np.maximum(column.length, 0)
    return wrong


def floats_at(
    values: npt.NDArray[np.float64], feature: FloatsFeature, name: str, row: int
) -> npt.NDArray[np.float64]:
    """The numbers of a row, float64 (n,): as many as their label has names.

    Raises:
        DamagedDatasetError: If there are more or fewer.
    """
    if len(values) != len(feature.names):
        msg = f"the index gives row {row} {len(values)} numbers of {name!r}, and there are {len(feature.names)}. Restore it, or convert the dataset again."
        raise DamagedDatasetError(msg)
    return values


def class_numbers_at(
    column: npt.NDArray[np.int64],
    feature: ClassFeature,
    name: str,
    rows: npt.NDArray[np.integer[Any]],
    *,
    index: Path | str = THE_INDEX,
) -> npt.NDArray[np.int64]:
    """The class of each of some rows, int64 (rows,): a number that must exist. `index` is its name in the error.

    Raises:
        DamagedDatasetError: If one does not.
    """
    numbers: npt.NDArray[np.int64] = column[rows]
    wrong = (numbers < 0) | (numbers >= len(feature.class_names))
    if wrong.any():
        first = int(np.argmax(wrong))
        classes_at(numbers[first : first + 1], feature, name, int(rows[first]), index=index)
    return numbers


def classes_at(
    numbers: npt.NDArray[np.int64],
    feature: ClassFeature | MulticlassFeature,
    name: str,
    row: int,
    *,
    index: Path | str = THE_INDEX,
) -> npt.NDArray[np.int64]:
    """The class numbers of a row, int64 (n,), each of which must exist. `index` is its name in the error.

    Raises:
        DamagedDatasetError: If one does not.
    """
    if len(numbers) and (numbers.min() < 0 or numbers.max() >= len(feature.class_names)):
        wrong = numbers.min() if numbers.min() < 0 else numbers.max()
        msg = f"{index} gives row {row} a class of {name!r} that is not one of 0 to {len(feature.class_names) - 1}. Received: {wrong}. Restore it, or convert the dataset again."
        raise DamagedDatasetError(msg)
    return numbers
