"""fitfeed: a folder of raw images becomes a dataset, once, and the dataset feeds Keras `fit`.

What people need is here: `from fitfeed import convert, make_pipeline, open_dataset, RandomFlip`.
Importing this package loads nothing; each name imports what it needs when it is first used.
"""

import importlib

from fitfeed.schemas.views import VIEWS

TYPE_CHECKING = False
"""As in `typing`, which is not imported: `python -m fitfeed` would look for it in the current folder (`__main__.py`)."""

if TYPE_CHECKING:
    from typing import Any

    from fitfeed.beam_jobs import ConversionResult, PlannedConversion, convert, plan_conversion
    from fitfeed.converters.inspect.detect import inspect_file
    from fitfeed.converters.options import ConvertOptions
    from fitfeed.converters.verify import verify_dataset
    from fitfeed.pipelines import (
        Augmentation,
        AugMix,
        AutoContrast,
        CenterCrop,
        CutMix,
        Dataset,
        DeviceAugmentation,
        Equalization,
        GrainAugmentation,
        InputMonitor,
        Loader,
        MixUp,
        MovedBoxes,
        RandAugment,
        RandomBrightness,
        RandomColorDegeneration,
        RandomColorJitter,
        RandomContrast,
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
        RandomSaturation,
        RandomSharpness,
        RandomShear,
        RandomTranslation,
        RandomZoom,
        Records,
        ResumeTraining,
        Solarization,
        TorchExamples,
        TrivialAugment,
        explain,
        from_image_data_generator,
        make_loader,
        make_pipeline,
        move_boxes,
        move_points,
        open_dataset,
    )
    from fitfeed.schemas import errors

__all__ = [
    "AugMix",
    "Augmentation",
    "AutoContrast",
    "CenterCrop",
    "ConversionResult",
    "ConvertOptions",
    "CutMix",
    "Dataset",
    "DeviceAugmentation",
    "Equalization",
    "GrainAugmentation",
    "InputMonitor",
    "Loader",
    "MixUp",
    "MovedBoxes",
    "PlannedConversion",
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
    "convert",
    "errors",
    "explain",
    "from_image_data_generator",
    "inspect_file",
    "make_loader",
    "make_pipeline",
    "move_boxes",
    "move_points",
    "open_dataset",
    "plan_conversion",
    "verify_dataset",
]

_MODULES = {
    "ConversionResult": "fitfeed.beam_jobs",
    "ConvertOptions": "fitfeed.converters.options",
    "PlannedConversion": "fitfeed.beam_jobs",
    "convert": "fitfeed.beam_jobs",
    "inspect_file": "fitfeed.converters.inspect.detect",
    "plan_conversion": "fitfeed.beam_jobs",
    "verify_dataset": "fitfeed.converters.verify",
}
"""Where a public name comes from; all others come from `fitfeed.pipelines`."""


VIEWS.update(
    dataset_html="fitfeed.notebook:dataset_html",
    export_croissant="fitfeed.export.croissant:export_croissant",
    preview="fitfeed.notebook:preview",
    report="fitfeed.notebook:report",
    to_huggingface="fitfeed.export.huggingface:to_huggingface",
)


def __getattr__(name: str) -> "Any":
    """Imports a public name when it is first used."""
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    if name == "errors":
        return importlib.import_module("fitfeed.schemas.errors")
    return getattr(importlib.import_module(_MODULES.get(name, "fitfeed.pipelines")), name)


def __dir__() -> list[str]:
    """All public names whose packages are there, those that are not loaded yet included."""
    pipelines = importlib.import_module("fitfeed.pipelines")
    return sorted({*globals(), *__all__} - ({*pipelines.__all__} - {*dir(pipelines)}))
