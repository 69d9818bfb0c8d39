"""What the benchmarks of augmentation do to images. Imports neither Beam nor TensorFlow."""

from typing import Any

from fitfeed.pipelines import (
    Augmentation,
    CutMix,
    MixUp,
    RandomBrightness,
    RandomColorDegeneration,
    RandomColorJitter,
    RandomContrast,
    RandomErasing,
    RandomFlip,
    RandomInvert,
    RandomResizedCrop,
    RandomRotation,
    RandomShear,
    RandomTranslation,
    RandomZoom,
)

GEOMETRY: list[Augmentation] = [
    RandomFlip("horizontal"),
    RandomRotation(0.1),
    RandomZoom(0.2),
    RandomTranslation(0.1, 0.1),
]
COLOR: list[Augmentation] = [RandomBrightness(0.2), RandomContrast((0.2, 0.2))]
SIX = [*GEOMETRY, *COLOR]

FURTHER: dict[str, list[Augmentation]] = {
    "and shear": [*GEOMETRY, RandomShear(0.1, 0.1), *COLOR],
    "and another rotation": [*GEOMETRY, RandomRotation(0.1), *COLOR],
    "and vertical flip": [*GEOMETRY, RandomFlip("vertical"), *COLOR],
    "and color degeneration": [*SIX, RandomColorDegeneration((0.0, 0.5))],
    "and inversion": [*SIX, RandomInvert(0.5)],
    "and another contrast": [*SIX, RandomContrast((0.2, 0.2))],
}

RECIPES: dict[str, list[Augmentation]] = {
    "part and flip only": [RandomResizedCrop(), RandomFlip("horizontal")],
    "part and flip, mixed": [RandomResizedCrop(), RandomFlip("horizontal"), MixUp(), CutMix()],
    "brightness and contrast": [
        RandomResizedCrop(),
        RandomFlip("horizontal"),
        RandomColorJitter(brightness_factor=0.2, contrast_factor=(0.2, 0.2)),
        RandomErasing(),
    ],
    "all four jitters": [
        RandomResizedCrop(),
        RandomFlip("horizontal"),
        RandomColorJitter(
            brightness_factor=0.2, contrast_factor=(0.2, 0.2), saturation_factor=(0.4, 0.6), hue_factor=0.1
        ),
        RandomErasing(),
    ],
}


def six_keras_layers() -> list[Any]:
    """The layers that the six operations are named after."""
    import keras

    return [
        keras.layers.RandomFlip("horizontal"),
        keras.layers.RandomRotation(0.1),
        keras.layers.RandomZoom(0.2),
        keras.layers.RandomTranslation(0.1, 0.1),
        keras.layers.RandomBrightness(0.2),
        keras.layers.RandomContrast((0.2, 0.2)),
    ]
