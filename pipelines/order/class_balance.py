"""An order with equally many examples of every class, as a function and not as a list."""

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from fitfeed.pipelines.order.batch_request import EpochOrder, ExampleNumbers
from fitfeed.pipelines.order.counter_rng import fold_in, splitmix64
from fitfeed.pipelines.order.global_batches import EpochSteps
from fitfeed.pipelines.order.shuffle import permute, permute_by_key


class BalancedOrder(EpochOrder):
    """Which examples a step reads so that every class is equally frequent. Immutable, thread-safe.

    An epoch has as many positions as the split has examples. They are dealt to the classes in turn
    and shuffled. Each class goes through its own examples in rounds, every round in a new order, and
    continues in the next epoch where the last epoch ended. So over time every example of a class is
    used equally often. Any step of any epoch can be computed without the steps before it.

    Attributes:
        steps: The steps of an epoch of this worker.
    """

    def __init__(self, *, steps: EpochSteps, labels: npt.NDArray[np.int64], seed: int) -> None:
        """Groups the examples by class.

        Args:
            steps: The steps of an epoch of this worker.
            labels: int64 (examples,), the class of each. Classes without examples are left out.
            seed: The run's seed.
        """
        self.steps, self._seed = steps, seed
        self._rows = np.argsort(labels, kind="stable")
        self._classes, begins, sizes = np.unique(labels[self._rows], return_index=True, return_counts=True)
        self._begins, self._sizes = begins.astype(np.int64), sizes.astype(np.int64)

    @override
    def at(self, epoch: int, positions: npt.NDArray[np.int64]) -> ExampleNumbers:
        """Returns the examples at some positions, int64 (n,). A repeated example has a new rng_index."""
        classes = len(self._classes)
        turns = permute(positions, size=self.steps.examples, seed=self._seed, epoch=epoch)
        group, turn = turns % classes, turns // classes
        # Every epoch gives a class the same number of turns, so those before this epoch are known.
        per_epoch = (self.steps.examples - group + classes - 1) // classes
        rounds, place = np.divmod(epoch * per_epoch + turn, self._sizes[group])
        # One permutation per class and round, all evaluated at once.
        key = splitmix64(fold_in("balance", self._seed) ^ splitmix64(self._classes[group].astype(np.uint64)))
        key = splitmix64(key ^ splitmix64(rounds.astype(np.uint64)))
        place = permute_by_key(place, size=self._sizes[group], key=key)
        examples = self._rows[self._begins[group] + place]
        return ExampleNumbers(examples, examples + rounds * self.steps.examples)
