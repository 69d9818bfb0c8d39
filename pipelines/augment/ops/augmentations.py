"""All augmentations by name, which a recipe on the command line or a saved model gives. It imports every one of them."""

from fitfeed.pipelines.augment.base import Augmentation
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
from fitfeed.pipelines.augment.ops.mixup_cutmix import CutMix, MixUp
from fitfeed.pipelines.augment.ops.perspective import RandomPerspective
from fitfeed.pipelines.augment.ops.rand_augment import RandAugment
from fitfeed.pipelines.augment.ops.random_erasing import RandomErasing
from fitfeed.pipelines.augment.ops.tone import AutoContrast, Equalization, RandomPosterization, Solarization
from fitfeed.pipelines.augment.ops.trivial_augment import TrivialAugment

AUGMENTATIONS: dict[str, type[Augmentation]] = {
    kind.__name__: kind
    for kind in (
        AugMix,
        AutoContrast,
        CenterCrop,
        CutMix,
        Equalization,
        MixUp,
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
        Solarization,
        TrivialAugment,
    )
}
"""The augmentations by class name."""
