"""Reads the labels of a batch as NumPy values, and chooses which labels a pipeline returns."""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.reading.joined_index import JoinedIndex
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.features import ClassFeature, Features, FloatsFeature, MulticlassFeature
from fitfeed.schemas.index import Index
from fitfeed.schemas.index_labels import classes_at, floats_at

Labels = Literal["int", "onehot"]


def label_batch(
    index: Index | JoinedIndex, features: Features, name: str, rows: npt.NDArray[np.int64], *, labels: Labels
) -> Any:
    """Reads one label of a batch; the label is not a mask.

    Args:
        index: Index of the split.
        features: Features of the dataset.
        name: Name of the label.
        rows: int64 (n,), rows of the index.
        labels: How a class is returned: "int" as its number, "onehot" as a row of zeros and a one.

    Returns:
        class: int64 (n,), or float32 (n, classes) for "onehot"; multiclass: float32 (n, classes), 1 for
        each class that an example has; int: int64 (n,); float: float32 (n,); floats: float32 (n, numbers);
        text: a list of str.

    Raises:
        DamagedDatasetError: If the index has an impossible class, or another number of floats, there.
    """
    column, feature = index.labels[name], features.labels[name]
    if isinstance(feature, MulticlassFeature):
        hot = np.zeros((len(rows), len(feature.class_names)), np.float32)
        for i, row in enumerate(rows.tolist()):
            hot[i, classes_at(column[row], feature, name, row)] = 1
        return hot
    if isinstance(feature, FloatsFeature):
        vectors = [floats_at(column[row], feature, name, row) for row in rows.tolist()]
        return np.array(vectors, np.float32).reshape(len(rows), len(feature.names))
    if feature.kind == "text":
        return [column[row] for row in rows.tolist()]
    values = column[rows]
    if isinstance(feature, ClassFeature) and labels == "onehot":
        return np.eye(len(feature.class_names), dtype=np.float32)[values]
    return values.astype(np.float32) if feature.kind == "float" else values


def select_label(features: Features, label: str | None) -> Features:
    """Leaves out the labels that a pipeline does not return.

    Args:
        features: Features of the dataset.
        label: The name of one label. None: all of them.

    Returns:
        Features with that label only.

    Raises:
        UsageError: If there is no such label. It names those that there are.
    """
    if label is None:
        return features
    if label not in features.labels:
        names = ", ".join(map(repr, features.labels)) or "none"
        msg = f"label names one of the labels of the dataset. Received: label={label!r}. It has: {names}."
        raise UsageError(msg)
    chosen: dict[str, Any] = {label: features.labels[label]}
    return Features(image=features.image, key=features.key, **chosen)


def leave_out_label(features: Features, name: str | None) -> Features:
    """Leaves out a label that is used for something else; None: none."""
    labels = {label: feature for label, feature in features.labels.items() if label != name}
    kept: Any = {"image": features.image, "key": features.key, **labels}
    return Features(**kept)


def check_any_label(features: Features) -> None:
    """Refuses to return labels where there are none.

    Raises:
        UsageError: If the dataset has no label.
    """
    if not features.labels:
        msg = "the images of this dataset have no labels. Pass labels=None, and the pipeline returns images alone."
        raise UsageError(msg)


def check_onehot(features: Features) -> None:
    """Refuses one-hot labels where no label has classes.

    Raises:
        UsageError: If no label has classes; it names the labels of the dataset.
    """
    if features.classes is None:
        kinds = ", ".join(f"{name} ({kind})" for name, kind in features.label_kinds.items())
        msg = f"labels='onehot' needs a label with classes, and this dataset has only: {kinds or 'none'}. Pass labels='int'."
        raise UsageError(msg)
