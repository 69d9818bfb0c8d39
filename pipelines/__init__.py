"""Feeds a fitfeed dataset to training: `make_pipeline` for Keras and TensorFlow, records for the rest.

Importing this package loads neither TensorFlow nor Keras; `make_pipeline` and
`Dataset.normalization` import them when called, `DeviceAugmentation` when it is first mentioned.
"""

from typing import TYPE_CHECKING, Any

from pipelines.augment.adjust import (
    RandomBrightness,
    RandomColorDegeneration,
    RandomColorJitter,
    RandomContrast,
    RandomGrayscale,
    RandomInvert,
)
from pipelines.augment.affine import RandomRotation, RandomShear, RandomTranslation, RandomZoom
from pipelines.augment.augmix import AugMix
from pipelines.augment.base import Augmentation
from pipelines.augment.crop import CenterCrop, RandomCrop, RandomResizedCrop
from pipelines.augment.erasing import RandomErasing
from pipelines.augment.explain import explain
from pipelines.augment.filters import RandomGaussianBlur, RandomSharpness
from pipelines.augment.flip import RandomFlip
from pipelines.augment.generator import from_image_data_generator
from pipelines.augment.hsv import RandomHue, RandomSaturation
from pipelines.augment.mix import CutMix, MixUp
from pipelines.augment.perspective import RandomPerspective
from pipelines.augment.policies import RandAugment
from pipelines.augment.tone import AutoContrast, Equalization, RandomPosterization, Solarization
from pipelines.augment.trivial import TrivialAugment
from pipelines.build import make_pipeline
from pipelines.dataset import Dataset, open_dataset
from pipelines.records import Records
from pipelines.transforms import MovedBoxes, move_boxes, move_points

if TYPE_CHECKING:
    from pipelines.device.layer import DeviceAugmentation

__all__ = [
    "AugMix",
    "Augmentation",
    "AutoContrast",
    "CenterCrop",
    "CutMix",
    "Dataset",
    "DeviceAugmentation",
    "Equalization",
    "MixUp",
    "MovedBoxes",
    "RandAugment",
    "RandomBrightness",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomContrast",
    "RandomCrop",
    "RandomErasing",
    "RandomFlip",
    "RandomGaussianBlur",
    "RandomGrayscale",
    "RandomHue",
    "RandomInvert",
    "RandomPerspective",
    "RandomPosterization",
    "RandomResizedCrop",
    "RandomRotation",
    "RandomSaturation",
    "RandomSharpness",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
    "Records",
    "Solarization",
    "TrivialAugment",
    "explain",
    "from_image_data_generator",
    "make_pipeline",
    "move_boxes",
    "move_points",
    "open_dataset",
]


def __getattr__(name: str) -> Any:
    """Imports what needs Keras, when it is first mentioned."""
    if name == "DeviceAugmentation":
        from pipelines.device.layer import DeviceAugmentation

        return DeviceAugmentation
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
