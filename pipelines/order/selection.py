"""The order of a part of the examples: an order of places, and the example at each place."""

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from fitfeed.pipelines.order.batch_request import EpochOrder, ExampleNumbers

MAX_INT32 = np.iinfo(np.int32).max


class SelectedOrder(EpochOrder):
    """The order of chosen examples. Immutable, thread-safe.

        position    0  1  2  3
        place       2  0  3  1      the order of four places, whichever it is
        example     9  4 17  5      of examples 4, 5, 9 and 17, which were chosen

    Augmentations are sampled by the numbers of examples, so an example is augmented in the same way
    whatever is chosen beside it.

    Attributes:
        steps: The steps of an epoch of this worker.
    """

    def __init__(self, places: EpochOrder, chosen: npt.NDArray[np.int64], *, examples: int) -> None:
        """Stores order and choice.

        Args:
            places: The order of the places.
            chosen: int64 (places,), the example at each place, none of them twice.
            examples: How many examples there are to choose from.
        """
        self.steps, self._places, self._examples = places.steps, places, examples
        # Half the memory, where that is enough: 40 MB of 10 million numbers.
        self._chosen = chosen.astype(np.int32 if examples <= MAX_INT32 else np.int64)

    @override
    def at(self, epoch: int, positions: npt.NDArray[np.int64]) -> ExampleNumbers:
        places, rng_index = self._places.at(epoch, positions)
        examples = self._chosen[places].astype(np.int64)
        return ExampleNumbers(examples, examples + rng_index // len(self._chosen) * self._examples)
