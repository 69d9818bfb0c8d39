"""Every operation, on images of any size and any aspect ratio."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitfeed.pipelines import AugMix, CenterCrop, RandAugment, RandomResizedCrop, TrivialAugment
from fitfeed.pipelines.augment.base import Augmentation
from fitfeed.pipelines.augment.ops.augmentations import AUGMENTATIONS
from fitfeed.pipelines.augment.ops.mixup_cutmix import BatchAugmentation
from tests.effort import tries
from tests.pipelines.augment.reference import run

STRONG: dict[str, dict[str, Any]] = {
    "CenterCrop": {},
    "RandomBrightness": {"factor": 0.5},
    "RandomColorDegeneration": {"factor": 0.5},
    "RandomContrast": {"factor": 0.5},
    "RandomCrop": {"height": 24, "width": 31},
    "RandomGrayscale": {"factor": 1.0},
    "RandomHue": {"factor": 0.5},
    "RandomPosterization": {"factor": 4},
    "RandomPerspective": {"factor": 1.0, "scale": 1.0},
    "RandomRotation": {"factor": 0.5},
    "RandomSaturation": {"factor": 0.5},
    "RandomSharpness": {"factor": 0.5},
    "RandomShear": {"x_factor": 1.0, "y_factor": 1.0},
    "RandomTranslation": {"height_factor": 1.0, "width_factor": 1.0},
    "RandomZoom": {"height_factor": 0.9},
}
"""Arguments that are needed, or that make an operation do more than by default."""

SAMPLED = ("RandomPerspective", "RandomRotation", "RandomShear", "RandomTranslation", "RandomZoom")
BATCHES = {name for name, kind in AUGMENTATIONS.items() if issubclass(kind, BatchAugmentation)}

SIDES = st.one_of(st.integers(1, 40), st.integers(1, 4000), st.sampled_from([1, 2, 3, 4000]))


def operations() -> st.SearchStrategy[Augmentation]:
    def make(name: str, interpolation: str, fill_mode: str) -> Augmentation:
        arguments = STRONG.get(name, {})
        if name in SAMPLED:
            arguments = {**arguments, "interpolation": interpolation}
            if name != "RandomPerspective":
                arguments["fill_mode"] = fill_mode
        return AUGMENTATIONS[name](**arguments)

    return st.builds(
        make,
        st.sampled_from(sorted(set(AUGMENTATIONS) - BATCHES)),
        st.sampled_from(["bilinear", "nearest"]),
        st.sampled_from(["reflect", "nearest", "constant", "wrap"]),
    )


def check(ops: list[Augmentation], size: tuple[int, int], image_size: tuple[int, int], example: int) -> None:
    """It renders, at the size it should have, and leaves gray what is gray wherever it fetches pixels."""
    image = np.full((*size, 3), 128, np.uint8)
    assert run(ops, image, image_size=image_size, example=example).shape == (*image_size, 3)
    assert run(ops, image[..., :1], image_size=image_size, example=example).shape == (*image_size, 1)
    moves = [
        op
        for op in ops
        if type(op).__name__ in SAMPLED and getattr(op, "fill_mode", "") not in ("", "constant")
    ]
    assert (run(moves, image, image_size=image_size, example=example) == 128).all()


ANY_SIZE = {
    "ops": st.lists(operations(), min_size=1, max_size=3),
    "size": st.tuples(SIDES, SIDES).filter(lambda size: size[0] * size[1] <= 400_000),
    "image_size": st.one_of(st.just((32, 32)), st.tuples(st.integers(1, 64), st.integers(1, 64))),
    "example": st.integers(0, 1000),
}


@given(**ANY_SIZE)
@settings(max_examples=tries(300))
def test_any_operations_on_any_size(
    ops: list[Augmentation], size: tuple[int, int], image_size: tuple[int, int], example: int
) -> None:
    check(ops, size, image_size, example)


@pytest.mark.slow
@given(**ANY_SIZE)
@settings(max_examples=3000)
def test_more_operations_on_more_sizes(
    ops: list[Augmentation], size: tuple[int, int], image_size: tuple[int, int], example: int
) -> None:
    check(ops, size, image_size, example)


@pytest.mark.parametrize("name", sorted(set(AUGMENTATIONS) - BATCHES))
@pytest.mark.parametrize("size", [(1, 3000), (2500, 9), (17, 1400), (1, 1)])
def test_each_operation_on_long_thin_images(name: str, size: tuple[int, int]) -> None:
    for example in range(4):
        check([AUGMENTATIONS[name](**STRONG.get(name, {}))], size, (28, 28), example)


@pytest.mark.parametrize(
    "policy", [RandAugment(), TrivialAugment(), AugMix()], ids=lambda op: type(op).__name__
)
def test_policies_that_contain_them(policy: Augmentation) -> None:
    for example in range(20):
        check([RandomResizedCrop(), policy], (11, 1700), (20, 24), example)
        check([CenterCrop(), policy], (1900, 3), (20, 24), example)
