"""The order of stream access: chunks are read in sequence, interleaved, and shuffled within a bounded window.

    chunks, permuted      | c3 | c0 | c5 | c1 | ...
    interleaved           c3 c0 c5 c1 c3 c0 c5 c1 ...      one example of each in turn
    shuffled              each example changes places with one at most `window` further on

The stored order is random already, so this is a good shuffle, though not the perfect one of indexed access.
It is a function of numbers, as that one is. What has been read when is not its concern.
"""

import heapq
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.order.chunks import ChunkOrder
from fitfeed.pipelines.order.philox import philox

INTERLEAVED = 8
"""Chunks that are interleaved, and read at once."""

SEED = 1
"""The key of the shuffle; what differs between runs and epochs is the counter."""

MAX_COUNTER = 2**31 - 1
"""TensorFlow takes the seed of an operation modulo this."""


class StreamEpoch(NamedTuple):
    """The order of an epoch of one worker.

    Attributes:
        chunks: int64 (chunks, 2), rows [first, stop) of each, in the order in which they are read.
        enters: int64 (chunks,), the position of the shuffle from which on a chunk may be needed. Ascending.
        examples: int64 (n,), example numbers in the order in which they are used.
        chunk_of: int64 (n,), the number of the chunk of each.
    """

    chunks: npt.NDArray[np.int64]
    enters: npt.NDArray[np.int64]
    examples: npt.NDArray[np.int64]
    chunk_of: npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class StreamOrder:
    """Which examples a step uses, and which chunks must have been read for that. Immutable, thread-safe.

    Attributes:
        chunks: Which chunks this worker reads, in which order.
        window: How many examples are in the shuffle at a time.
    """

    chunks: ChunkOrder
    window: int

    def of_epoch(self, epoch: int) -> StreamEpoch:
        """Computes the order of an epoch. One million examples take 0.2 s."""
        chunks, shuffle = self.chunks.of_epoch(epoch), self.chunks.shuffle
        sizes = chunks[:, 1] - chunks[:, 0]
        turns = interleaved(sizes, at_once=INTERLEAVED if shuffle else 1)  # one at a time: the stored order
        chunk_of = np.repeat(np.arange(len(chunks)), sizes)[turns]
        examples = (chunks[:, 0] - (np.cumsum(sizes) - sizes))[chunk_of] + turns
        enters = np.unique(chunk_of, return_index=True)[1]
        if shuffle:
            numbers = philox(SEED, self.chunks.shuffle_seed(epoch) % MAX_COUNTER, count=len(examples))
            order = shuffled_within(self.window, numbers)
            examples, chunk_of = examples[order], chunk_of[order]
        return StreamEpoch(chunks, enters, examples, chunk_of)


def interleaved(sizes: npt.NDArray[np.int64], *, at_once: int) -> npt.NDArray[np.int64]:
    """Interleaves chunks as `tf.data.Dataset.interleave` does, one example of each in turn.

    There are `at_once` slots, which have their turns one after the other. A slot whose chunk is at its end
    lets one turn pass, and then takes the next chunk.

    Args:
        sizes: int64 (chunks,), examples of each, all positive.
        at_once: Number of slots.

    Returns:
        int64 (n,): the order of the examples. They are numbered through all chunks.
    """
    free = [(0, slot) for slot in range(at_once)]  # a heap: from which turn on each slot is free
    begins = []
    for size in sizes.tolist():
        turn, slot = free[0]
        begins.append((turn, slot))
        heapq.heapreplace(free, (turn + size + 1, slot))
    turns, slots = np.repeat(np.array(begins, np.int64).reshape(-1, 2), sizes, axis=0).T
    within = np.arange(len(turns)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.argsort((turns + within) * at_once + slots)


def shuffled_within(window: int, numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """Shuffles as `tf.data.Dataset.shuffle` does: as Fisher and Yates, but no further than a window reaches.

    Args:
        window: How many positions there are to choose from, the own one included.
        numbers: uint64 (n,), random.

    Returns:
        int64 (n,): the order of the elements 0 to n - 1.
    """
    here = np.arange(len(numbers))
    choices = np.minimum(window, len(numbers) - here).astype(np.uint64)
    order = here.tolist()
    for position, other in enumerate((here + (numbers % choices).astype(np.int64)).tolist()):
        order[position], order[other] = order[other], order[position]
    return np.array(order, np.int64)
