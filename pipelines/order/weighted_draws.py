"""An order in which each example occurs as often as its weight says, as a function and not as a list."""

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from fitfeed.pipelines.order.batch_request import EpochOrder, ExampleNumbers
from fitfeed.pipelines.order.counter_rng import GOLDEN, fold_in
from fitfeed.pipelines.order.global_batches import EpochSteps
from fitfeed.pipelines.order.shuffle import permute

UNITS = 1 << 61
"""All weights together, as integers: as many bits as the arithmetic below has room for, with n below 2**31."""

MAX_EXACT_SUM = 1 << 53
"""Whole numbers are exact in float64 up to here, and so is their sum."""


class WeightedOrder(EpochOrder):
    """Which examples a step reads so that each is drawn by its weight. Immutable, thread-safe.

    Weights are laid end to end. An epoch of n examples draws at n points that are equally far apart. The first
    of them lies somewhere in the first n-th.

        weights    |  a  |      b      |c|   d   |
        points        '       '       '       '         a, b, b, d in this epoch; a, b, c, d in another

    So in an epoch an example occurs n * weight / sum times, rounded down or up: a weight of twice the mean
    exactly twice, one of half the mean in every second epoch or so. The points move by the golden section
    from epoch to epoch. So over many epochs each example occurs as often as its share says, but for a few
    draws in all. The draws of an epoch are shuffled. Any step of any epoch can be computed without the steps
    before it. If all weights are equal, this is the order without weights.

    Attributes:
        steps: The steps of an epoch of this worker.
    """

    def __init__(self, *, steps: EpochSteps, weights: npt.NDArray[np.float64], seed: int) -> None:
        """Lays the weights end to end.

        Args:
            steps: The steps of an epoch of this worker.
            weights: float64 (examples,), finite, none negative, and not all 0.
            seed: The run's seed.
        """
        self.steps, self._seed = steps, seed
        self._ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(as_units(weights))])
        self._sum = int(self._ends[-1])
        self._begin = int(fold_in("weights", seed)[0]) * self._sum >> 64
        self._stride = int(GOLDEN) * self._sum >> 64

    @override
    def at(self, epoch: int, positions: npt.NDArray[np.int64]) -> ExampleNumbers:
        """Returns the examples at some positions, int64 (n,). A repeated example has a new rng_index."""
        count, offset = self.steps.examples, (self._begin + epoch * self._stride) % self._sum
        draws = permute(positions, size=count, seed=self._seed, epoch=epoch)
        examples = np.searchsorted(self._ends, self._points(draws, offset), side="right") - 1
        # Which of its draws this is: those of an example follow each other, so the first of them is looked
        # for. Division in float64 finds its number within one, as there are fewer than 2**31.
        begins = self._ends[examples]
        first = np.floor(begins / self._sum * count - offset / self._sum).astype(np.int64) - 1
        first = np.maximum(first, 0)
        for _ in range(3):
            first += self._points(first, offset) < begins
        return ExampleNumbers(examples, examples + (draws - first) * count)

    def _points(self, draws: npt.NDArray[np.int64], offset: int) -> npt.NDArray[np.int64]:
        """Returns (draws * sum + offset) // n, in 63 bits."""
        whole, rest = divmod(self._sum, self.steps.examples)
        points: npt.NDArray[np.int64] = draws * whole + (draws * rest + offset) // self.steps.examples
        return points


def as_units(weights: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Makes integers of weights, so that sums are exact: int64 (n,), their sum about 2**61.

    Whole numbers keep their ratios exactly. Others are rounded by at most 2**-62 of the sum.
    """
    if weights.max() <= MAX_EXACT_SUM / len(weights) and (weights == np.floor(weights)).all():
        whole = weights.astype(np.int64)
        return whole * (UNITS // int(whole.sum()))
    scaled = weights / weights.max()  # first, as their sum may be infinite
    units: npt.NDArray[np.int64] = np.rint(scaled / scaled.sum() * UNITS).astype(np.int64)
    return units
