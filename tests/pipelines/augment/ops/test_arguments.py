import dataclasses
import inspect
import math
from collections.abc import Callable
from typing import Any

import keras
import pytest

from fitfeed import pipelines
from fitfeed.pipelines import Augmentation
from fitfeed.pipelines.augment.ops.augmentations import AUGMENTATIONS
from fitfeed.schemas.errors import UsageError
from tests.pipelines.build_dataset import pickled

ops: Any = pipelines  # untyped: wrong arguments are the point

REQUIRED: dict[str, tuple[Any, ...]] = {
    "RandomCrop": (20, 20),
    "RandomTranslation": (0.1, 0.2),
    "RandomPosterization": (4,),
} | dict.fromkeys(
    ["RandomRotation", "RandomZoom", "RandomBrightness", "RandomContrast", "RandomSaturation", "RandomHue",
     "RandomColorDegeneration", "RandomSharpness"],
    (0.2,),
)  # fmt: skip


def test_all_that_can_be_named_are_public() -> None:
    public = {
        name: value
        for name, value in vars(pipelines).items()
        if isinstance(value, type) and issubclass(value, Augmentation) and value is not Augmentation
    }
    assert public == AUGMENTATIONS


@pytest.mark.parametrize("name", sorted(set(AUGMENTATIONS) - {"RandomResizedCrop", "TrivialAugment"}))
def test_arguments_and_defaults_are_those_of_keras(name: str) -> None:
    signature = inspect.signature(getattr(keras.layers, name).__init__)
    theirs = {k: v for k, v in signature.parameters.items() if k not in ("self", "kwargs", "seed", "data_format", "value_range", "name")}  # fmt: skip
    ours = inspect.signature(AUGMENTATIONS[name].__init__).parameters
    assert set(ours) - {"self"} == set(theirs)
    for argument, parameter in theirs.items():
        default = ours[argument].default
        if name != "CenterCrop":  # whose size may be left out here
            assert default == parameter.default or default is parameter.default


@pytest.mark.parametrize("name", sorted(AUGMENTATIONS))
def test_augmentations_are_values(name: str) -> None:
    op = AUGMENTATIONS[name](*REQUIRED.get(name, ()))
    assert pickled(op) == op
    assert op == AUGMENTATIONS[name](*REQUIRED.get(name, ()))
    assert repr(op).startswith(f"{name}(")
    with pytest.raises(dataclasses.FrozenInstanceError):
        op.factor = 3  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", sorted(AUGMENTATIONS))
@pytest.mark.parametrize(
    ("argument", "why"),
    [
        ("seed", r"make_pipeline\(seed=\.\.\.\)"),
        ("data_format", "images are"),
        ("value_range", "values are 0..255"),
        ("dtype", "uint8"),
        ("strenght", "its arguments are"),
    ],
)
def test_arguments_that_mean_nothing_here_are_refused_by_name(name: str, argument: str, why: str) -> None:
    with pytest.raises(
        UsageError, match=rf"{name} has no argument {argument}: .*{why}.* Received: {argument}=1"
    ):
        AUGMENTATIONS[name](*REQUIRED.get(name, ()), **{argument: 1})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ops.RandomFlip("sideways"), "Received: mode='sideways'"),
        (lambda: ops.RandomResizedCrop(scale=(0.5, 1.5)), r"0 < low <= high <= 1.0. Received: scale=\(0.5, 1.5\)"),
        (lambda: ops.RandomResizedCrop(scale=(0.0, 1.0)), "Received: scale"),
        (lambda: ops.RandomResizedCrop(scale=0.5), "Received: scale=0.5"),
        (lambda: ops.RandomResizedCrop(ratio=(2, 1)), "Received: ratio"),
        (lambda: ops.RandomResizedCrop(ratio=(1, math.inf)), "Received: ratio"),
        (lambda: ops.CenterCrop(10), "Received: height=10, width=None"),
        (lambda: ops.CenterCrop(0, 5), "Received: height=0"),
        (lambda: ops.CenterCrop(True, 5), "Received: height=True"),
        (lambda: ops.RandomCrop(10, 0), "width to be a positive number of pixels. Received: width=0"),
        (lambda: ops.RandomCrop(10.0, 5), "Received: height=10.0"),
        (lambda: ops.RandomRotation(1.5), r"a pair of numbers, in \[-1, 1\]. Received: factor=1.5"),
        (lambda: ops.RandomRotation((0.1, 0.2, 0.3)), "Received: factor="),
        (lambda: ops.RandomRotation(math.nan), "Received: factor=nan"),
        (lambda: ops.RandomRotation(None), "Received: factor=None"),
        (lambda: ops.RandomRotation(True), "Received: factor=True"),
        (lambda: ops.RandomRotation(0.1, "mirror"), "one of 'reflect'.* Received: fill_mode='mirror'"),
        (lambda: ops.RandomRotation(0.1, interpolation="cubic"), "Received: interpolation='cubic'"),
        (lambda: ops.RandomRotation(0.1, "constant", fill_value=300), r"in \[0, 255\]. Received: fill_value=300"),
        (lambda: ops.RandomZoom(-1), r"in \(-1, 1\]. Received: height_factor=-1"),
        (lambda: ops.RandomZoom(0.1, (0.1, 1.2)), "Received: width_factor="),
        (lambda: ops.RandomTranslation(0.1, -1.1), "Received: width_factor=-1.1"),
        (lambda: ops.RandomShear(-0.1), r"in \[0, 1\]. Received: x_factor=-0.1"),
        (lambda: ops.RandomShear(y_factor=2), "Received: y_factor=2"),
        (lambda: ops.RandomPerspective(scale=1.1), "Received: scale=1.1"),
        (lambda: ops.RandomPerspective(-0.1), "Received: factor=-0.1"),
        (lambda: ops.RandomBrightness((0.5, 1.5)), "Received: factor="),
        (lambda: ops.RandomContrast(-0.1), "Received: factor=-0.1"),
        (lambda: ops.RandomHue("much"), "Received: factor='much'"),
        (lambda: ops.RandomGrayscale((0.1, 0.2)), "Received: factor="),
        (lambda: ops.RandomColorJitter(hue_factor=2), "factor of RandomHue.* Received: hue_factor=2"),
        (lambda: ops.RandomColorJitter(contrast_factor=2), "Received: contrast_factor=2"),
        (lambda: ops.RandomPosterization(0), r"in \[1, 8\]. Received: factor=0"),
        (lambda: ops.RandomPosterization(4.5), "Received: factor=4.5"),
        (lambda: ops.Solarization(1.1), "Received: addition_factor=1.1"),
        (lambda: ops.Solarization(0, (-0.1, 1)), "Received: threshold_factor="),
        (lambda: ops.Equalization(1), "from 2 to 256. Received: bins=1"),
        (lambda: ops.RandomGaussianBlur(kernel_size=4), "odd .* Received: kernel_size=4"),
        (lambda: ops.RandomGaussianBlur(sigma=1.5), "Received: sigma=1.5"),
        (lambda: ops.RandomErasing(scale=2), "Received: scale=2"),
        (lambda: ops.RandomErasing(fill_value=(1, 2)), "Received: fill_value="),
        (lambda: ops.RandAugment(num_ops=0), "Received: num_ops=0"),
        (lambda: ops.RandAugment(factor=1.5), "Received: factor=1.5"),
        (lambda: ops.RandAugment(interpolation="cubic"), "RandAugment .* Received: interpolation='cubic'"),
        (lambda: ops.AugMix(num_chains=0), "Received: num_chains=0"),
        (lambda: ops.AugMix(chain_depth=1.5), "Received: chain_depth=1.5"),
        (lambda: ops.AugMix(alpha=0), "Received: alpha=0"),
        (lambda: ops.AugMix(all_ops=1), "Received: all_ops=1"),
        (lambda: ops.MixUp(0), "above 0, of at most 1. Received: alpha=0"),
        (lambda: ops.MixUp(1.5), "Received: alpha=1.5"),
        (lambda: ops.MixUp((0.1, 0.2)), "Received: alpha="),
        (lambda: ops.CutMix(1.1), r"in \[0, 1\]. Received: factor=1.1"),
        (lambda: ops.CutMix((0.5, -0.1)), "Received: factor="),
        (lambda: ops.TrivialAugment(num_magnitude_bins=1), "Received: num_magnitude_bins=1"),
        (lambda: ops.TrivialAugment(fill=-1), "Received: fill=-1"),
    ],
)  # fmt: skip
def test_wrong_arguments(make: Callable[[], Augmentation], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make()
