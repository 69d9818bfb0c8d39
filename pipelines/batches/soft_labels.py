"""Makes labels soft: smooths them, or mixes them as their images are mixed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.augment.ops.mixup_cutmix import BatchAugmentation, Mixture
from fitfeed.pipelines.batches.mix import mix_labels
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.features import ClassFeature, Features, LabelFeature, MulticlassFeature

MIXED = ("class", "multiclass", "float", "floats")
"""Kinds of labels that can be mixed."""


class SoftLabels:
    """Mixes and smooths the labels of a batch. Immutable, thread-safe."""

    def __init__(
        self,
        features: Features,
        names: Sequence[str],
        *,
        smoothing: float,
        mixes: Sequence[BatchAugmentation] = (),
    ) -> None:
        """Checks that the labels can be mixed and smoothed.

        Args:
            features: Features of the dataset.
            names: The labels that the pipeline returns.
            smoothing: 0..1; see `make_pipeline(label_smoothing=...)`.
            mixes: The operations that mix the images.

        Raises:
            UsageError: If a label cannot be mixed, or no label can be smoothed.
        """
        self._features, self._smoothing, self._mixes = features, float(smoothing), bool(mixes)
        kinds = {name: features.label_kinds[name] for name in names}
        for name, kind in kinds.items():
            if mixes and kind not in MIXED:
                msg = (
                    f"{type(mixes[0]).__name__} mixes labels, and labels of kind {kind} cannot be mixed. "
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
        """Returns whether a class becomes float32 (classes,), even if `labels` is "int"."""
        return isinstance(feature, ClassFeature) and (self._mixes or self._smoothing > 0)

    def __call__(self, name: str, values: Any, mixtures: Sequence[Mixture]) -> Any:
        """Smooths and mixes one label of a batch. Both are linear, so their order does not matter.

        Args:
            name: Name of the label.
            values: From `label_batch`; one-hot if the label `softens`.
            mixtures: Mixtures of the batch.

        Returns:
            An array of the same shape, float32 if it was smoothed or mixed.
        """
        feature = self._features.labels[name]
        if self._smoothing and isinstance(feature, ClassFeature | MulticlassFeature):
            values = _smoothed(values, feature, self._smoothing)
        return mix_labels(values, mixtures) if mixtures else values


def _smoothed(
    values: npt.NDArray[np.float32], feature: ClassFeature | MulticlassFeature, smoothing: float
) -> npt.NDArray[np.float32]:
    """Smooths as the losses of Keras: toward all classes equally, or each class of a multiclass label toward 1/2."""
    level = 1 / len(feature.class_names) if isinstance(feature, ClassFeature) else 1 / 2
    return (values * (1 - smoothing) + smoothing * level).astype(np.float32)
