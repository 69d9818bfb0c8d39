"""What flows from the order of an epoch to the stages that make a batch."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.order.global_batches import EpochSteps


class ExampleNumbers(NamedTuple):
    """The examples at some positions of an epoch.

    Attributes:
        examples: int64 (n,), example numbers (rows of the index), in order.
        rng_index: int64 (n,), the numbers that augmentations are sampled by. They are the example numbers,
            except where an example occurs again in an epoch.
    """

    examples: npt.NDArray[np.int64]
    rng_index: npt.NDArray[np.int64]


class BatchRequest(NamedTuple):
    """Says which batch is to be made, before anything of it is read. It decides every bit of the batch.

    Attributes:
        epoch: Number of the epoch.
        step: Number of the step in the epoch.
        examples: int64 (n,), example numbers, in order.
        rng_index: int64 (n,), the numbers that augmentations are sampled by.
        payloads: The stored bytes of each example, if they have been read already (stream access, or ahead of use
            from a store); empty where that failed. None: whoever needs them reads them. They change no bit of the
            batch.
        masks: The same for masks, by the names of their labels; those that have been read.
    """

    epoch: int
    step: int
    examples: npt.NDArray[np.int64]
    rng_index: npt.NDArray[np.int64]
    payloads: Sequence[bytes | memoryview] | None = None
    masks: Mapping[str, Sequence[bytes | memoryview]] = MappingProxyType({})


class Requests(Protocol):
    """Fills requests, as a pure function of epoch and step. Thread-safe."""

    def request(self, epoch: int, step: int) -> BatchRequest:
        """Returns the request of this worker for one step."""


class EpochOrder(ABC):
    """An order of the examples that is computed for single positions. Immutable, thread-safe.

    Attributes:
        steps: The steps of an epoch of this worker.
    """

    steps: EpochSteps

    @abstractmethod
    def at(self, epoch: int, positions: npt.NDArray[np.int64]) -> ExampleNumbers:
        """Returns the examples at some positions of an epoch, int64 (n,)."""

    def request(self, epoch: int, step: int) -> BatchRequest:
        """Returns the request of this worker for one step."""
        positions = np.arange(*self.steps.bounds(step), dtype=np.int64)
        return BatchRequest(epoch, step, *self.at(epoch, positions))
