"""The order of an epoch, as a function and not as a list.

`permute` maps positions to example numbers by a keyed bijection. It is a Feistel network over the
smallest domain of 4**h numbers that holds them all, applied again until the result is small enough.
It needs no memory and no warm-up: the last batch of epoch 90 costs as much as the first batch. So a
perfect global shuffle, sharding and resuming cost nothing, for any number of examples.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from fitfeed.pipelines.order.batch_request import EpochOrder, ExampleNumbers
from fitfeed.pipelines.order.counter_rng import Hashes, fold_in, splitmix64
from fitfeed.pipelines.order.global_batches import EpochSteps

ROUNDS = 8
"""Four rounds make a Feistel network pseudo-random on large domains (Luby, Rackoff 1988); small ones
need more, and a round costs a few microseconds a batch."""


def permute(positions: npt.NDArray[Any], *, size: int, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    """Maps positions of an epoch to numbers, one to one.

    Args:
        positions: Integers in [0, size), of any shape.
        size: Number of elements that are shuffled, at least 1.
        seed: The run's seed.
        epoch: Each epoch has its own order.

    Returns:
        int64 of the same shape, values in [0, size).
    """
    return permute_by_key(positions, size=size, key=fold_in("order", seed, epoch))


def permute_by_key(
    positions: npt.NDArray[Any], *, size: int | npt.NDArray[np.int64], key: Hashes
) -> npt.NDArray[np.int64]:
    """Maps positions to numbers by one bijection, or each position by its own bijection.

    Args:
        positions: Integers in [0, size), of any shape.
        size: Number of elements that are shuffled, at least 1: one for all, or int64 of the same shape.
        key: uint64 (1,), one for all, or of the same shape.

    Returns:
        int64 of the same shape, values in [0, size).
    """
    numbers = positions.astype(np.uint64).reshape(-1)
    sizes = np.broadcast_to(np.asarray(size, np.uint64).reshape(-1), numbers.shape)
    bits = np.frexp((sizes - np.uint64(1)).astype(np.float64))[1]  # exact below 2**53
    half = np.maximum(1, (bits + 1) // 2).astype(np.uint64)
    keys = splitmix64(key.reshape(-1) + np.arange(ROUNDS, dtype=np.uint64)[:, None])
    keys = np.broadcast_to(keys, (ROUNDS, *numbers.shape))

    outside = np.ones(numbers.shape, bool)
    # Cycle walking: the domain has at most 4 times `size` numbers, and a bijection that is applied
    # again to whatever fell outside is a bijection of what is inside.
    while outside.any():
        walking, shift = numbers[outside], half[outside]
        mask = (np.uint64(1) << shift) - np.uint64(1)
        left, right = walking >> shift, walking & mask
        for round_key in keys[:, outside]:
            left, right = right, left ^ (splitmix64(right ^ round_key) & mask)
        numbers[outside] = left << shift | right
        outside = numbers >= sizes
    return numbers.astype(np.int64).reshape(positions.shape)


@dataclass(frozen=True, kw_only=True)
class Order(EpochOrder):
    """Which examples a step reads. Immutable, picklable, thread-safe.

    Attributes:
        steps: The steps of an epoch of this worker.
        shuffle: False keeps the stored order in every epoch.
        seed: The run's seed.
    """

    steps: EpochSteps
    shuffle: bool
    seed: int

    @override
    def at(self, epoch: int, positions: npt.NDArray[np.int64]) -> ExampleNumbers:
        if self.shuffle:
            positions = permute(positions, size=self.steps.examples, seed=self.seed, epoch=epoch)
        return ExampleNumbers(positions, positions)
