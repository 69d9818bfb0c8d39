"""Labels that are smoothed and mixed: values, types, and what is refused."""

import numpy as np
import pytest

from fitfeed.pipelines import CutMix, MixUp
from fitfeed.pipelines.augment.ops.mixup_cutmix import Mixture
from fitfeed.pipelines.batches.soft_labels import SoftLabels
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.features import Features

FEATURES = Features.model_validate(
    {
        "image": {"dtype": "uint8", "shape": (None, None, 3), "encoding": "keep"},
        "species": {"kind": "class", "class_names": ["daisy", "rose", "tulip", "violet"]},
        "tags": {"kind": "multiclass", "class_names": ["garden", "wild"]},
        "age": {"kind": "float"},
        "petals": {"kind": "int"},
        "key": {},
    }
)
EYE = np.eye(4, dtype=np.float32)
MIXTURE = Mixture(partner=np.array([1, 0]), weight=np.array([0.75, 0.5]), boxes=None)


def test_a_class_is_smoothed_towards_all_classes() -> None:
    soft = SoftLabels(FEATURES, ["species"], smoothing=0.2)
    labels = soft("species", EYE[[2]], [])
    np.testing.assert_allclose(labels, [[0.05, 0.05, 0.85, 0.05]], atol=1e-7)
    assert labels.dtype == np.float32


def test_several_classes_are_smoothed_towards_one_half() -> None:
    soft = SoftLabels(FEATURES, ["tags"], smoothing=0.2)
    labels = soft("tags", np.array([[1, 0]], np.float32), [])
    np.testing.assert_allclose(labels, [[0.9, 0.1]], atol=1e-7)


def test_numbers_are_not_smoothed() -> None:
    heights = np.array([3, 5], np.float32)
    soft = SoftLabels(FEATURES, ["species", "age"], smoothing=0.2)
    assert soft("age", heights, []) is heights


def test_labels_are_mixed_as_their_images() -> None:
    soft = SoftLabels(FEATURES, ["species", "age"], smoothing=0, mixes=[MixUp()])
    np.testing.assert_allclose(
        soft("species", EYE[[0, 3]], [MIXTURE]), [[0.75, 0, 0, 0.25], [0.5, 0, 0, 0.5]]
    )
    np.testing.assert_allclose(soft("age", np.array([4, 8], np.float32), [MIXTURE]), [5, 6])


def test_smoothing_and_mixing_are_linear() -> None:
    both = SoftLabels(FEATURES, ["species"], smoothing=0.4, mixes=[MixUp()])
    mixed = SoftLabels(FEATURES, ["species"], smoothing=0, mixes=[MixUp()])
    labels = EYE[[0, 3]]
    np.testing.assert_allclose(
        both("species", labels, [MIXTURE]), mixed("species", labels, [MIXTURE]) * 0.6 + 0.1, atol=1e-6
    )


def test_a_class_softens_where_anything_is_soft() -> None:
    species, tags = FEATURES.labels["species"], FEATURES.labels["tags"]
    assert not SoftLabels(FEATURES, ["species"], smoothing=0).softens(species)
    for soft in (
        SoftLabels(FEATURES, ["species"], smoothing=0.1),
        SoftLabels(FEATURES, ["species"], smoothing=0, mixes=[CutMix()]),
    ):
        assert soft.softens(species)
        assert not soft.softens(tags)


def test_what_cannot_be_soft_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match=r"CutMix mixes labels.*kind int.*the label 'petals' \(int\)"):
        SoftLabels(FEATURES, ["species", "petals"], smoothing=0, mixes=[CutMix()])
    with pytest.raises(UsageError, match=r"label_smoothing=0.1, labels: age \(float\), petals \(int\)"):
        SoftLabels(FEATURES, ["age", "petals"], smoothing=0.1)
    with pytest.raises(UsageError, match=r"labels: none"):
        SoftLabels(FEATURES, [], smoothing=0.1)
