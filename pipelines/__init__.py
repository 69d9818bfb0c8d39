"""Feeds a fitfeed dataset to training: `make_pipeline` for Keras and TensorFlow, `make_loader` for the rest.

Importing this package loads nothing; each name imports what it needs when it is first used. A worker process uses a tenth of them.
TensorFlow and Keras are loaded by what needs them: `make_pipeline` and `Dataset.normalization` when they are called,
`DeviceAugmentation` and `ResumeTraining` when they are first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fitfeed.pipelines.augment.base import Augmentation
    from fitfeed.pipelines.augment.boxes import MovedBoxes, move_boxes, move_points
    from fitfeed.pipelines.augment.ops.affine import (
        RandomRotation,
        RandomShear,
        RandomTranslation,
        RandomZoom,
    )
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
    from fitfeed.pipelines.augment.ops.tone import (
        AutoContrast,
        Equalization,
        RandomPosterization,
        Solarization,
    )
    from fitfeed.pipelines.augment.ops.trivial_augment import TrivialAugment
    from fitfeed.pipelines.callbacks.input_monitor import InputMonitor
    from fitfeed.pipelines.callbacks.resume import ResumeTraining
    from fitfeed.pipelines.dataset import Dataset, open_dataset
    from fitfeed.pipelines.device.layer import DeviceAugmentation
    from fitfeed.pipelines.explain_augment import explain
    from fitfeed.pipelines.loader.grain_augmentation import GrainAugmentation
    from fitfeed.pipelines.loader.loader import Loader
    from fitfeed.pipelines.loader.make_loader import make_loader
    from fitfeed.pipelines.loader.torch_examples import TorchExamples
    from fitfeed.pipelines.reading.records import Records
    from fitfeed.pipelines.tf_data.make_pipeline import make_pipeline

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

_NAMES = {
    "augment.base": ("Augmentation",),
    "augment.boxes": ("MovedBoxes", "move_boxes", "move_points"),
    "augment.ops.affine": ("RandomRotation", "RandomShear", "RandomTranslation", "RandomZoom"),
    "augment.ops.augmix": ("AugMix",),
    "augment.ops.color": (
        "RandomBrightness",
        "RandomColorDegeneration",
        "RandomColorJitter",
        "RandomContrast",
        "RandomGrayscale",
        "RandomInvert",
    ),
    "augment.ops.crop": ("CenterCrop", "RandomCrop", "RandomResizedCrop"),
    "augment.ops.filters": ("RandomGaussianBlur", "RandomSharpness"),
    "augment.ops.flip": ("RandomFlip",),
    "augment.ops.hue_saturation": ("RandomHue", "RandomSaturation"),
    "augment.ops.image_data_generator": ("from_image_data_generator",),
    "augment.ops.mixup_cutmix": ("CutMix", "MixUp"),
    "augment.ops.perspective": ("RandomPerspective",),
    "augment.ops.rand_augment": ("RandAugment",),
    "augment.ops.random_erasing": ("RandomErasing",),
    "augment.ops.tone": ("AutoContrast", "Equalization", "RandomPosterization", "Solarization"),
    "augment.ops.trivial_augment": ("TrivialAugment",),
    "callbacks.input_monitor": ("InputMonitor",),
    "callbacks.resume": ("ResumeTraining",),
    "dataset": ("Dataset", "open_dataset"),
    "device.layer": ("DeviceAugmentation",),
    "explain_augment": ("explain",),
    "loader.grain_augmentation": ("GrainAugmentation",),
    "loader.loader": ("Loader",),
    "loader.make_loader": ("make_loader",),
    "loader.torch_examples": ("TorchExamples",),
    "reading.records": ("Records",),
    "tf_data.make_pipeline": ("make_pipeline",),
}
"""Each module, and the public names that come from it."""

_PACKAGES = {"DeviceAugmentation": "keras", "GrainAugmentation": "grain", "ResumeTraining": "keras"}
"""What a name needs that may be missing."""


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first used."""
    module = next((module for module, names in _NAMES.items() if name in names), None)
    if module is None:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    if name in _PACKAGES:
        from fitfeed.pipelines.needed_package import load_package

        load_package(_PACKAGES[name], by=name)
    found = getattr(importlib.import_module(f"fitfeed.pipelines.{module}"), name)
    globals()[name] = found  # it is asked for once
    return found


def __dir__() -> list[str]:
    """All public names whose packages are there, those that are not loaded yet included."""
    from fitfeed.pipelines.needed_package import is_installed

    missing = {name for name, package in _PACKAGES.items() if not is_installed(package)}
    return sorted({*globals(), *__all__} - missing)
