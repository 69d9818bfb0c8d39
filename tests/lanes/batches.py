"""Epochs of all kinds, which are to be the same in every lane."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines import (
    AugMix,
    AutoContrast,
    CutMix,
    Equalization,
    MixUp,
    RandAugment,
    RandomBrightness,
    RandomColorJitter,
    RandomCrop,
    RandomErasing,
    RandomFlip,
    RandomGaussianBlur,
    RandomGrayscale,
    RandomHue,
    RandomInvert,
    RandomPerspective,
    RandomPosterization,
    RandomResizedCrop,
    RandomRotation,
    RandomSharpness,
    RandomShear,
    RandomTranslation,
    RandomZoom,
    Solarization,
    TrivialAugment,
    make_loader,
)

Arrays = dict[str, npt.NDArray[Any]]
"""By name: "images" in the type of the batch, (examples, height, width, channels), and "labels", which may be masks."""

EPOCHS = 2
SHARDS = 2
WARPS = [
    RandomResizedCrop(),
    RandomRotation(0.1),
    RandomShear(0.1, 0.1),
    RandomZoom(0.2),
    RandomTranslation(0.1, 0.1),
    RandomFlip(),
]
COLORS = [
    RandomBrightness(0.2),
    RandomColorJitter(contrast_factor=0.3, saturation_factor=0.3, hue_factor=0.1),
    RandomHue(0.1),
    RandomGrayscale(0.2),
    RandomInvert(0.2),
]


@dataclass(frozen=True)
class Epochs:
    """What is fed.

    Attributes:
        dataset: A name in `CONVERSIONS`.
        options: Arguments of `make_loader`.
    """

    dataset: str
    options: Mapping[str, Any]


BYTES = {"dtype": "uint8", "normalize": None}
SMALL = {"image_size": (64, 48), **BYTES}
KEPT = "photos kept, tfrecord"
EPOCHS_OF: dict[str, Epochs] = {
    "cut out, flipped": Epochs(KEPT, {"augment": [RandomCrop(64, 48), RandomFlip("horizontal")], **BYTES}),
    "resized": Epochs("photos kept, hdf5", {"image_size": (64, 48)}),
    "resized, bfloat16": Epochs(KEPT, {"image_size": (64, 48), "dtype": "bfloat16"}),
    "raw pixels": Epochs("photos as raw, hdf5", {"normalize": "unit"}),
    "warped": Epochs(KEPT, {"augment": WARPS, **SMALL}),
    "perspective": Epochs(KEPT, {"augment": [RandomPerspective()], **SMALL}),
    "colors": Epochs(KEPT, {"augment": COLORS, **SMALL}),
    "tables": Epochs(
        KEPT,
        {
            "augment": [RandomPosterization(4), Solarization(0.1, 0.5), AutoContrast(), Equalization()],
            **SMALL,
        },
    ),
    "filters": Epochs(
        KEPT, {"augment": [RandomSharpness(0.6), RandomGaussianBlur(kernel_size=5), RandomErasing()], **SMALL}
    ),
    "RandAugment": Epochs(KEPT, {"augment": [RandAugment()], **SMALL}),
    "TrivialAugment": Epochs(KEPT, {"augment": [TrivialAugment()], **SMALL}),
    "AugMix": Epochs(KEPT, {"augment": [AugMix()], **SMALL}),
    "mixed": Epochs(
        "photos as jpeg, tfrecord",
        {"augment": [MixUp(0.4), CutMix()], "labels": "onehot", "image_size": (64, 48)},
    ),
    "masks": Epochs(
        "labels kept, hdf5",
        {"augment": [RandomFlip(), RandomRotation(0.2)], "label": "lesion", "image_size": (12, 16), **BYTES},
    ),
    "16 bits": Epochs(
        "16 bits as raw, tfrecord",
        {
            "augment": [RandomRotation(0.2), RandomBrightness(0.2)],
            "image_size": (12, 16),
            "dtype": "uint16",
            "normalize": None,
        },
    ),
}
"""By name. All are augmented with seed 11, in batches of 2."""


def arrays_of(batches: Iterable[tuple[Any, Any]]) -> list[Arrays]:
    """Batches of NumPy arrays by name; bfloat16, which is not a type of NumPy, becomes float32."""
    found = []
    for images, labels in batches:
        known = images.astype(np.float32) if images.dtype.name == "bfloat16" else images
        found.append({"images": np.array(known), "labels": np.array(labels)})
    return found


def feed(datasets: Mapping[str, Path], name: str, make: Any = make_loader) -> Arrays:
    """Two epochs of both shards, one after the other.

    Args:
        datasets: What `convert_all` returned.
        name: A name in `EPOCHS_OF`.
        make: `make_loader` or `make_pipeline`.
    """
    epochs = EPOCHS_OF[name]
    batches: list[Arrays] = []
    for number in range(SHARDS):
        made = make(
            datasets[epochs.dataset], "train", batch_size=2, seed=11, shard=(number, SHARDS), **epochs.options
        )
        for _ in range(EPOCHS):
            batches += arrays_of(made if make is make_loader else made.as_numpy_iterator())
    return {part: np.concatenate([batch[part] for batch in batches]) for part in batches[0]}
