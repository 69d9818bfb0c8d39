"""Labels of a batch, of every kind; what they are is said before one is read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fitfeed.pipelines import Dataset, MixUp, open_dataset
from fitfeed.pipelines.batches.batch_labels import BatchLabels
from fitfeed.pipelines.batches.mix import Mixer
from fitfeed.schemas.errors import UsageError

ROWS = np.array([4, 0, 9])


def labels_of(dataset: Dataset, labels: Any = "int", **options: Any) -> BatchLabels:
    given: dict[str, Any] = {"smoothing": 0.0, "mixes": (), **options}
    return BatchLabels(dataset.records("train"), dataset.manifest.features, labels=labels, **given)


@pytest.mark.parametrize("labels", ["int", "onehot"])
def test_every_kind_is_as_its_spec_says(labelled: Callable[[str], Path], labels: Any) -> None:
    dataset = open_dataset(labelled("tfrecord"))
    ours, records = labels_of(dataset, labels), dataset.records("train")
    assert ours.names == ["species", "tags", "height_cm", "petals", "région", "note"]
    assert ours.masks == ["région"]
    read = ours.read(ROWS, ())
    assert list(read) == [name for name in ours.names if name != "région"]
    for name, values in read.items():
        spec = ours.spec(name, image_size=(8, 6))
        assert (values.shape, values.dtype) == ((3, *spec.shape), spec.dtype)
    assert ours.spec("région", image_size=(8, 6)) == ((8, 6, 1), np.dtype(np.uint8))
    for place, row in enumerate(ROWS.tolist()):
        example = records[row]
        assert read["note"][place] == example["note"]
        assert read["petals"][place] == example["petals"]
        assert np.flatnonzero(read["tags"][place]).tolist() == example["tags"].tolist()
        species = read["species"][place]
        assert (species if labels == "int" else species.argmax()) == example["species"]


def test_without_labels_there_are_none(labelled: Callable[[str], Path]) -> None:
    ours = labels_of(open_dataset(labelled("tfrecord")), None)
    assert (ours.names, ours.masks, ours.read(ROWS, ())) == ([], [], {})


def test_a_class_is_one_hot_where_it_is_mixed_or_smoothed(flowers: Dataset) -> None:
    onehot = labels_of(flowers, "onehot").read(ROWS, ())["label"]
    assert labels_of(flowers).spec("label", image_size=(1, 1)) == ((), np.dtype(np.int64))
    smoothed = labels_of(flowers, smoothing=0.3)
    np.testing.assert_allclose(smoothed.read(ROWS, ())["label"], onehot * 0.7 + 0.1, atol=1e-6)
    mixtures = Mixer([(0, MixUp())], seed=0).sample(0, ROWS, size=(8, 8))
    mixed = labels_of(flowers, mixes=[MixUp()])
    (mixture,) = mixtures
    weight = mixture.weight[:, None]
    np.testing.assert_allclose(
        mixed.read(ROWS, mixtures)["label"],
        weight * onehot + (1 - weight) * onehot[mixture.partner],
        atol=1e-6,
    )
    for each in (smoothed, mixed):
        assert each.spec("label", image_size=(1, 1)) == ((3,), np.dtype(np.float32))


def test_what_cannot_be_mixed_is_refused(labelled: Callable[[str], Path]) -> None:
    with pytest.raises(UsageError, match="labels of kind int cannot be mixed"):
        labels_of(open_dataset(labelled("tfrecord")), mixes=[MixUp()])
