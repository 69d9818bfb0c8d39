"""The order of an epoch, as a function and not as a list.

`permute` maps positions to example numbers by a keyed bijection: a Feistel network over the
smallest domain of 4**h numbers that holds them all, walked until the result is small enough. It
needs no memory and no warm-up: the last batch of epoch 90 costs what the first batch costs. That
is what makes a perfect global shuffle, sharding and resuming free at any number of examples.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.hashing import hash_key, mix
from pipelines.steps import Steps

ROUNDS = 8
"""Four rounds make a Feistel network pseudo-random on large domains (Luby, Rackoff 1988); small ones
need more, and a round costs a few microseconds a batch."""


def permute(positions: npt.NDArray[Any], *, size: int, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    """Maps positions of an epoch to numbers, one to one.

    Args:
        positions: Integers of [0, size), any shape.
        size: Number of elements that are shuffled, at least 1.
        seed: The run's seed.
        epoch: Each epoch has its own order.

    Returns:
        int64 of the same shape, values in [0, size).
    """
    half = max(1, ((size - 1).bit_length() + 1) // 2)
    shift, mask = np.uint64(half), np.uint64((1 << half) - 1)
    keys = mix(np.add(hash_key("order", seed, epoch), np.arange(ROUNDS, dtype=np.uint64), dtype=np.uint64))

    numbers = positions.astype(np.uint64)
    outside = np.ones(numbers.shape, bool)
    # Cycle walking: the domain has at most 4 times `size` numbers, and a bijection that is applied
    # again to whatever fell outside is a bijection of what is inside.
    while outside.any():
        walking = numbers[outside]
        left, right = walking >> shift, walking & mask
        for key in keys:
            left, right = right, left ^ (mix(right ^ key) & mask)
        numbers[outside] = left << shift | right
        outside = numbers >= size
    return numbers.astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class Order:
    """Which examples a step reads. Immutable, picklable, thread-safe.

    Attributes:
        steps: The steps of an epoch of this worker.
        shuffle: False keeps the stored order in every epoch.
        seed: The run's seed.
    """

    steps: Steps
    shuffle: bool
    seed: int

    def examples(self, epoch: int, step: int) -> npt.NDArray[np.int64]:
        """Example numbers (rows of the index) of one batch, in order.

        Returns:
            int64, shape (examples of this worker in this step,).
        """
        positions = np.arange(*self.steps.bounds(step), dtype=np.int64)
        if not self.shuffle:
            return positions
        return permute(positions, size=self.steps.examples, seed=self.seed, epoch=epoch)
