"""Policies: choose operations for each image, which are compiled with those before and after them."""

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from typing_extensions import override

from fitfeed.pipelines.arrays.types import Floats, Integers
from fitfeed.pipelines.augment.base import Augmentation, PlanBuilder
from fitfeed.pipelines.augment.cpu.interpolation import Interpolation
from fitfeed.pipelines.augment.ops.affine import RandomRotation, RandomShear, RandomTranslation
from fitfeed.pipelines.augment.ops.arguments import Factor, check, factor_range, is_count
from fitfeed.pipelines.augment.ops.color import RandomBrightness, RandomColorDegeneration, RandomContrast
from fitfeed.pipelines.augment.ops.filters import RandomSharpness
from fitfeed.pipelines.augment.ops.tone import AutoContrast, Equalization, RandomPosterization, Solarization

MAX_PARAMETERS = 3
"""Uniform numbers, or parameters, that an operation of a policy has at most."""

SLOT = 1 + MAX_PARAMETERS
"""Columns of a chosen operation: its number in the list and its parameters."""


def sample_choices(ops: list[Augmentation], uniforms: Floats, *, nothing: bool = False) -> Floats:
    """Chooses operations and samples their parameters.

    Args:
        ops: The operations to choose from, with equal probability.
        uniforms: float64 (n, slots * SLOT) in [0, 1).
        nothing: Whether "no operation" is one of the choices. Its number is len(ops).

    Returns:
        float64 (n, slots * SLOT).
    """
    slots = uniforms.reshape(-1, SLOT)
    chosen = np.floor(slots[:, :1] * (len(ops) + nothing))
    parameters = np.zeros_like(slots[:, 1:])
    for number, op in enumerate(ops):
        own = op.sample(slots[:, 1 : 1 + op.draws])
        padded = np.concatenate([own, np.zeros_like(slots[:, : MAX_PARAMETERS - own.shape[1]])], axis=1)
        parameters = np.where(chosen == number, padded, parameters)
    return np.concatenate([chosen, parameters], axis=1).reshape(-1, uniforms.shape[1])


def add_choices(ops: list[Augmentation], plan: PlanBuilder, rows: Integers, parameters: Floats) -> None:
    """Adds the operations that `sample_choices` has chosen, slot after slot."""
    for slot in parameters.reshape(len(rows), -1, SLOT).transpose(1, 0, 2):
        for number, op in enumerate(ops):
            chosen = slot[:, 0] == number
            if chosen.any():
                width = op.sample(np.empty((0, op.draws))).shape[1]
                op.add_to(plan, rows[chosen], slot[chosen, 1 : 1 + width])


class Policy(Augmentation):
    """Chooses among operations, separately for each image.

    Attributes:
        slot: How many parameters one choice has: the number of the operation, then its parameters.
    """

    slot: ClassVar[int] = SLOT

    only_8_bit: ClassVar[bool] = True  # some of the operations are

    @property
    @override
    def recolors(self) -> bool:  # type: ignore[override]
        """Whether one of the operations does."""
        return any(op.recolors for op in self.choices)

    @property
    @abstractmethod
    def choices(self) -> list[Augmentation]:
        """The operations to choose from."""


def operations(strength: tuple[float, float], interpolation: str) -> dict[str, Augmentation]:
    """Makes the operations of Keras' `RandAugment` and `AugMix`, with a strength in this range."""
    geometric = {"interpolation": interpolation}
    return {
        "shear": RandomShear(strength, strength, **geometric),  # type: ignore[arg-type]
        "translation": RandomTranslation(strength, strength, **geometric),  # type: ignore[arg-type]
        "rotation": RandomRotation(strength, **geometric),  # type: ignore[arg-type]
        "brightness": RandomBrightness(strength),
        "color_degeneration": RandomColorDegeneration(strength),
        "contrast": RandomContrast(strength),
        "sharpness": RandomSharpness(strength),
        "posterization": RandomPosterization(max(1, int(8 * strength[1]))),
        "solarization": Solarization(strength, strength),
        "auto_contrast": AutoContrast(),
        "equalization": Equalization(),
    }


@dataclass(frozen=True, kw_only=True)
class RandAugment(Policy):
    """A few of eleven operations, as `keras.layers.RandAugment` (Cubuk et al. 2019, arXiv:1909.13719).

    Each image has a choice of its own, as in the paper; in Keras 3.15 a batch shares one.

    Attributes:
        num_ops: How many are chosen, one after the other. Defaults to 2.
        factor: In [0, 1], a number f for (0, f) or a pair: the strength, which is the factor of the
            operations. Defaults to 0.5.
        interpolation: "bilinear" or "nearest". Defaults to "bilinear".

    Example:
        >>> augment = [RandomResizedCrop(), RandomFlip("horizontal"), RandAugment(factor=0.3)]
        >>> make_pipeline("flowers", "train", batch_size=32, image_size=(224, 224), augment=augment)
    """

    num_ops: int = 2
    factor: Factor = 0.5
    interpolation: Interpolation = "bilinear"

    def __post_init__(self) -> None:
        """Checks all arguments.

        Raises:
            UsageError: If an argument is wrong. It names the argument.
        """
        check(self, "num_ops", "a positive number of operations", valid=is_count(self.num_ops))
        factor_range(self, "factor", low=0, high=1)
        _ = self.choices

    @property
    @override
    def draws(self) -> int:  # type: ignore[override]
        """Uniform numbers for each operation: for the choice and for its parameters."""
        return self.num_ops * SLOT

    @cached_property
    @override
    def choices(self) -> list[Augmentation]:
        check(
            self,
            "interpolation",
            "'bilinear' or 'nearest'",
            valid=self.interpolation in ("bilinear", "nearest"),
        )
        return list(operations(factor_range(self, "factor", low=0, high=1), self.interpolation).values())

    @override
    def sample(self, uniforms: Floats) -> Floats:
        """Samples the number of each operation and its parameters: float64 (n, num_ops * 4)."""
        return sample_choices(self.choices, uniforms)

    @override
    def add_to(self, plan: PlanBuilder, rows: Integers, parameters: Floats) -> None:
        """Adds the operations that were chosen for each image."""
        add_choices(self.choices, plan, rows, parameters)
