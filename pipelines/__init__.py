"""Feeds a fitfeed dataset to training: `make_pipeline` for Keras and TensorFlow, `make_loader` for the rest.

Importing this package loads neither TensorFlow nor Keras; `make_pipeline` and
`Dataset.normalization` import them when called, `DeviceAugmentation` and `ResumeTraining` when they are first used.
"""

from typing import TYPE_CHECKING, Any

from fitfeed.pipelines.augment.base import Augmentation
from fitfeed.pipelines.augment.boxes import MovedBoxes, move_boxes, move_points
from fitfeed.pipelines.augment.ops.affine import RandomRotation, RandomShear, RandomTranslation, RandomZoom
from fitfeed.pipelines.augment.ops.augmix import AugMix
from fitfeed.pipelines.augment.ops.color import (
    RandomBrightness,
    RandomColorDegeneration,
    RandomColorJitter,
    RandomContrast,
    RandomGrayscale,
    RandomInvert,
)
from fitfeed.pipelines.augment.ops.crop import CenterCrop, RandomCrop, RandomResizedCrop
from fitfeed.pipelines.augment.ops.filters import RandomGaussianBlur, RandomSharpness
from fitfeed.pipelines.augment.ops.flip import RandomFlip
from fitfeed.pipelines.augment.ops.hue_saturation import RandomHue, RandomSaturation
from fitfeed.pipelines.augment.ops.image_data_generator import from_image_data_generator
from fitfeed.pipelines.augment.ops.mixup_cutmix import CutMix, MixUp
from fitfeed.pipelines.augment.ops.perspective import RandomPerspective
from fitfeed.pipelines.augment.ops.rand_augment import RandAugment
from fitfeed.pipelines.augment.ops.random_erasing import RandomErasing
from fitfeed.pipelines.augment.ops.tone import AutoContrast, Equalization, RandomPosterization, Solarization
from fitfeed.pipelines.augment.ops.trivial_augment import TrivialAugment
from fitfeed.pipelines.dataset import Dataset, open_dataset
from fitfeed.pipelines.explain_augment import explain
from fitfeed.pipelines.loader.loader import Loader
from fitfeed.pipelines.loader.make_loader import make_loader
from fitfeed.pipelines.loader.torch_examples import TorchExamples
from fitfeed.pipelines.needed_package import load_package
from fitfeed.pipelines.reading.records import Records
from fitfeed.pipelines.tf_data.make_pipeline import make_pipeline

if TYPE_CHECKING:
    from fitfeed.pipelines.callbacks.input_monitor import InputMonitor
    from fitfeed.pipelines.callbacks.resume import ResumeTraining
    from fitfeed.pipelines.device.layer import DeviceAugmentation
    from fitfeed.pipelines.loader.grain_augmentation import GrainAugmentation

__all__ = [
    "AugMix",
    "Augmentation",
    "AutoContrast",
    "CenterCrop",
    "CutMix",
    "Dataset",
    "DeviceAugmentation",
    "Equalization",
    "GrainAugmentation",
    "InputMonitor",
    "Loader",
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
    "ResumeTraining",
    "Solarization",
    "TorchExamples",
    "TrivialAugment",
    "explain",
    "from_image_data_generator",
    "make_loader",
    "make_pipeline",
    "move_boxes",
    "move_points",
    "open_dataset",
]


def __getattr__(name: str) -> Any:
    """Imports what needs Keras or Grain, or few people need, when it is first used."""
    if name == "DeviceAugmentation":
        load_package("keras", by=name)
        from fitfeed.pipelines.device.layer import DeviceAugmentation

        return DeviceAugmentation
    if name == "GrainAugmentation":
        load_package("grain", by=name)
        from fitfeed.pipelines.loader.grain_augmentation import GrainAugmentation

        return GrainAugmentation
    if name == "InputMonitor":
        from fitfeed.pipelines.callbacks.input_monitor import InputMonitor

        return InputMonitor
    if name == "ResumeTraining":
        load_package("keras", by=name)
        from fitfeed.pipelines.callbacks.resume import ResumeTraining

        return ResumeTraining
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
