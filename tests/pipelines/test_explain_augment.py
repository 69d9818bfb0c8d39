"""What `explain` prints."""

import pytest

from fitfeed.pipelines import (
    AugMix,
    RandAugment,
    RandomFlip,
    explain,
)
from fitfeed.schemas.payload import Pixels


def test_explain_prints_what_was_fused(capsys: pytest.CaptureFixture[str]) -> None:
    from fitfeed.pipelines import (
        AutoContrast,
        RandomBrightness,
        RandomColorJitter,
        RandomErasing,
        RandomHue,
        RandomInvert,
        RandomPosterization,
        RandomRotation,
        RandomTranslation,
    )

    def vignette(pixels: Pixels) -> Pixels:
        return pixels

    jitter = RandomColorJitter(brightness_factor=0.1, contrast_factor=0.1, saturation_factor=0.1)
    explain(
        [
            RandomFlip(),
            RandomRotation(0.1),
            RandomTranslation(0.1, 0.1, "constant"),
            jitter,
            RandomHue(0.1),
            RandomBrightness(0.1),
            RandomPosterization(4),
            RandomInvert(),
            AutoContrast(),
            RandomErasing(),
            vignette,
            RandAugment(),
            AugMix(num_chains=2),
        ],
        image_size=(8, 9),
    )
    assert capsys.readouterr().out.splitlines() == [
        "1. one resampling: RandomFlip, RandomRotation",
        "2. one resampling: RandomTranslation",
        "3. one pass over color, hue and saturation: RandomBrightness, RandomContrast, RandomSaturation, RandomHue",
        "4. one look-up table: RandomBrightness, RandomPosterization, RandomInvert, AutoContrast",
        "5. alone: RandomErasing",
        "6. alone: vignette",
        "7. one resampling: resizing to (8, 9)",
        "8. alone: RandAugment (chosen for each image, and compiled with its neighbors in the list)",
        "9. alone: AugMix (2 chains, each compiled for each image, then blended)",
    ]
    explain([])
    assert capsys.readouterr().out == "nothing\n"
