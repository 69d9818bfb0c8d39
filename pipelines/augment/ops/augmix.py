"""AugMix: blends an image with several augmented copies of it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from typing_extensions import override

from fitfeed.pipelines.arrays.buffer_pool import SCRATCH
from fitfeed.pipelines.arrays.types import Floats, Integers, Size
from fitfeed.pipelines.augment.base import Augmentation, PixelPass, PlanBuilder
from fitfeed.pipelines.augment.cpu.interpolation import Interpolation
from fitfeed.pipelines.augment.ops.arguments import Factor, check, factor_range, is_count, is_number
from fitfeed.pipelines.augment.ops.rand_augment import SLOT, Policy, add_choices, operations, sample_choices
from fitfeed.schemas.payload import Pixels

ATTEMPTS = 8
"""Attempts at a gamma-distributed number. Each succeeds in more than 95% of cases."""

GAMMA = 3 * ATTEMPTS + 1
"""Uniform numbers for one gamma-distributed number."""


@dataclass(frozen=True, kw_only=True)
class AugMix(Policy):
    """Blends an image with chains of operations on it, as `keras.layers.AugMix` (arXiv:1912.02781).

    Each image has its own chains and weights, as in the paper; in Keras 3.15 a batch shares them. Masks
    stay as they are. A chain is compiled like a list of augmentations, and the blend is one more pass.

    Attributes:
        num_chains: Number of chains. Defaults to 3.
        chain_depth: Number of operations in each chain. Any of them may do nothing. Defaults to 3.
        factor: In [0, 1], a number f for (0, f) or a pair: the strength, which is the factor of the
            operations. Defaults to 0.3.
        alpha: Parameter of the Dirichlet distribution of the weights of the chains, and of the Beta
            distribution of the weight of the image. Defaults to 1.
        all_ops: Whether brightness, contrast, color degeneration and sharpness are among the
            operations. Defaults to True.
        interpolation: "bilinear" or "nearest". Defaults to "bilinear".

    Example:
        >>> make_pipeline("flowers", "train", batch_size=32, augment=[RandomFlip("horizontal"), AugMix()])
    """

    num_chains: int = 3
    chain_depth: int = 3
    factor: Factor = 0.3
    alpha: float = 1.0
    all_ops: bool = True
    interpolation: Interpolation = "bilinear"

    def __post_init__(self) -> None:
        """Checks all arguments.

        Raises:
            UsageError: If an argument is wrong. It names the argument.
        """
        check(self, "num_chains", "a positive number of chains", valid=is_count(self.num_chains))
        check(self, "chain_depth", "a positive number of operations", valid=is_count(self.chain_depth))
        check(self, "alpha", "a positive number", valid=is_number(self.alpha) and self.alpha > 0)
        check(self, "all_ops", "True or False", valid=isinstance(self.all_ops, bool))
        check(
            self,
            "interpolation",
            "'bilinear' or 'nearest'",
            valid=self.interpolation in ("bilinear", "nearest"),
        )
        factor_range(self, "factor", low=0, high=1)

    @property
    @override
    def draws(self) -> int:  # type: ignore[override]
        """Uniform numbers for the weights and for each operation."""
        return (self.num_chains + 2) * GAMMA + self.num_chains * self.chain_depth * SLOT

    @cached_property
    @override
    def choices(self) -> list[Augmentation]:
        ops = operations(factor_range(self, "factor", low=0, high=1), self.interpolation)
        if not self.all_ops:
            for name in ("brightness", "color_degeneration", "contrast", "sharpness"):
                del ops[name]
        return list(ops.values())

    @override
    def sample(self, uniforms: Floats) -> Floats:
        """Samples the weights of image and chains, sum 1, and the operations: float64 (n, 1 + chains + chains * depth * 4)."""
        count = (self.num_chains + 2) * GAMMA
        gammas = gamma(self.alpha, uniforms[:, :count].reshape(len(uniforms), -1, GAMMA))
        own = gammas[:, :1] / gammas[:, :2].sum(axis=1, keepdims=True)  # Beta, as a ratio of gammas
        shares = gammas[:, 2:] / gammas[:, 2:].sum(axis=1, keepdims=True)  # Dirichlet, likewise
        choices = sample_choices(self.choices, uniforms[:, count:], nothing=True)
        return np.concatenate([own, (1 - own) * shares, choices], axis=1)

    @override
    def add_to(self, plan: PlanBuilder, rows: Integers, parameters: Floats) -> None:
        """Adds a blend of chains, which are compiled each by itself."""
        weights = parameters[:, : 1 + self.num_chains]
        chains = parameters[:, 1 + self.num_chains :].reshape(len(rows), self.num_chains, -1)
        every = np.arange(len(rows))
        compiled = []
        for chain in chains.transpose(1, 0, 2):
            branch = plan.branch(rows)
            add_choices(self.choices, branch, every, np.ascontiguousarray(chain))
            compiled.append(branch.finish())
        blends = map(BlendPass, weights.tolist(), zip(*compiled, strict=True))
        plan.append(self, rows, blends)


@dataclass(frozen=True, slots=True)
class BlendPass:
    """Adds up an image and processed copies of it.

    Attributes:
        weights: Weights of the image and of each copy; their sum is 1.
        chains: The passes of each copy.
    """

    weights: list[float]
    chains: "tuple[list[PixelPass], ...]"

    def size_of(self, pixels: Pixels) -> Size:
        """Returns (height, width) of the output: the same as of `pixels`."""
        return pixels.shape[0], pixels.shape[1]

    def apply(self, pixels: Pixels, out: Pixels) -> Pixels:
        """Writes the blend.

        Args:
            pixels: uint8 (H, W, C).
            out: uint8 (H, W, C); may be `pixels`.
        """
        total = SCRATCH.take("blend", pixels.shape, np.float32)
        part = SCRATCH.take("blend part", pixels.shape, np.float32)
        np.multiply(pixels, np.float32(self.weights[0]), out=total)
        for weight, chain in zip(self.weights[1:], self.chains, strict=True):
            copy = pixels
            for number, one in enumerate(chain):
                copy = one.apply(copy, SCRATCH.take(f"chain {number % 2}", pixels.shape))
            total += np.multiply(copy, np.float32(weight), out=part)
        np.rint(total, out=total)
        np.copyto(out, total, casting="unsafe")  # a weighted mean of 0..255
        return out


def gamma(alpha: float, uniforms: Floats) -> Floats:
    """Computes gamma-distributed numbers from a fixed number of uniform ones (Marsaglia and Tsang 2000).

    Args:
        alpha: The shape parameter, > 0.
        uniforms: float64 (..., GAMMA) in [0, 1).

    Returns:
        float64 (...).
    """
    d = (
        alpha if alpha >= 1 else alpha + 1
    ) - 1 / 3  # for a smaller alpha, alpha + 1 is used and the result scaled
    first, angle, accept = (1 - uniforms[..., i : 3 * ATTEMPTS : 3] for i in range(3))  # in (0, 1]
    normal = np.sqrt(-2 * np.log(first)) * np.cos(2 * np.pi * angle)  # Box and Muller
    v = (1 + normal / np.sqrt(9 * d)) ** 3
    with np.errstate(invalid="ignore", divide="ignore"):
        accepted = (v > 0) & (np.log(accept) < normal**2 / 2 + d - d * v + d * np.log(v))
    first_accepted = np.argmax(accepted, axis=-1)[..., None]
    values = np.take_along_axis(np.where(accepted, v, 1.0), first_accepted, axis=-1)[..., 0] * d
    if alpha < 1:
        values = values * (1 - uniforms[..., -1]) ** (1 / alpha)
    return np.maximum(values, 1e-300)
