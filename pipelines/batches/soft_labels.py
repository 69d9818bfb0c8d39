"""Labels that are no longer one class: smoothed, or mixed as their images are."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.augment.ops.mixup_cutmix import BatchAugmentation, Mixture
from fitfeed.pipelines.batches.mix import mix_labels
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.features import ClassFeature, Features, LabelFeature, MulticlassFeature

MIXED = ("class", "multiclass", "float")
"""Kinds of labels of which a mixture means something."""


class SoftLabels:
    """What mixing and smoothing make of a batch's labels. Immutable, thread-safe."""

    def __init__(
        self,
        features: Features,
        names: Sequence[str],
        *,
        smoothing: float,
        mixes: Sequence[BatchAugmentation] = (),
    ) -> None:
        """Checks that it can be done.

        Args:
            features: Of the dataset.
            names: The labels that are delivered.
            smoothing: 0..1, see `make_pipeline(label_smoothing=...)`.
            mixes: What mixes the images.

        Raises:
            UsageError: If a label cannot be mixed, or there is none to smooth.
        """
        self._features, self._smoothing, self._mixes = features, float(smoothing), bool(mixes)
        kinds = {name: features.label_kinds[name] for name in names}
        for name, kind in kinds.items():
            if mixes and kind not in MIXED:
                msg = (
                    f"{type(mixes[0]).__name__} mixes labels, and nothing lies between two labels of kind {kind}. "
                    f"Received: a dataset with the label {name!r} ({kind}). Leave it out of augment, pass labels=None, "
                    f"or convert with labels of the kinds {', '.join(MIXED)} only."
                )
                raise UsageError(msg)
        if smoothing and not {"class", "multiclass"} & set(kinds.values()):
            listed = ", ".join(f"{name} ({kind})" for name, kind in kinds.items()) or "none"
            msg = (
                f"label_smoothing needs a label with classes. Received: label_smoothing={smoothing}, labels: {listed}. "
                f"Pass label_smoothing=0."
            )
            raise UsageError(msg)

    def softens(self, feature: LabelFeature) -> bool:
        """Whether a class becomes float32 (classes,), whatever `labels` says."""
        return isinstance(feature, ClassFeature) and (self._mixes or self._smoothing > 0)

    def __call__(self, name: str, values: Any, mixtures: Sequence[Mixture]) -> Any:
        """Smooths and mixes one label of a batch. As both are linear, their order does not matter.

        Args:
            name: Of the label.
            values: From `label_batch`; of a class that `softens`, one-hot.
            mixtures: Of the batch.

        Returns:
            The same kind of array.
        """
        feature = self._features.labels[name]
        if self._smoothing and isinstance(feature, ClassFeature | MulticlassFeature):
            values = _smoothed(values, feature, self._smoothing)
        return mix_labels(values, mixtures) if mixtures else values


def _smoothed(
    values: npt.NDArray[np.float32], feature: ClassFeature | MulticlassFeature, smoothing: float
) -> npt.NDArray[np.float32]:
    """As the losses of Keras: towards all classes alike, or of several at once each towards 1/2."""
    level = 1 / len(feature.class_names) if isinstance(feature, ClassFeature) else 1 / 2
    return (values * (1 - smoothing) + smoothing * level).astype(np.float32)
