"""The order of stream access: which runs of consecutive examples (chunks) a worker reads."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.order.counter_rng import fold_in
from fitfeed.pipelines.order.global_batches import EpochSteps
from fitfeed.pipelines.order.shuffle import permute

CHUNK = 64
"""Examples per read. At 30 KB each that is 2 MB, so a spinning disk mostly reads and seldom seeks."""


def chunk_bounds(shard_examples: list[int]) -> npt.NDArray[np.int64]:
    """Cuts shards into chunks.

    Args:
        shard_examples: Examples per shard, in order.

    Returns:
        int64 (chunks, 2): rows [first, stop) of each. No chunk crosses the end of a shard.
    """
    ends = np.cumsum([0, *shard_examples])
    bounds = [
        (first, min(first + CHUNK, stop))
        for start, stop in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)
        for first in range(start, stop, CHUNK)
    ]
    return np.array(bounds, np.int64).reshape(-1, 2)


@dataclass(frozen=True, kw_only=True)
class ChunkOrder:
    """Which chunks a worker reads in an epoch. Immutable, thread-safe.

    The workers share one sequence of all chunks, in the order of the epoch. Each worker reads one
    contiguous part of it, with as many examples as its steps need. A chunk on the border of two
    workers is cut:

        chunks    | c3    | c0    | c5    | c1    |
        workers   |  worker 0  |  worker 1  | ...

    Attributes:
        chunks: int64 (chunks, 2), all chunks of the split.
        steps: The steps of this worker.
        shuffle: False keeps the stored order in every epoch.
        seed: The run's seed.
    """

    chunks: npt.NDArray[np.int64]
    steps: EpochSteps
    shuffle: bool
    seed: int

    def of_epoch(self, epoch: int) -> npt.NDArray[np.int64]:
        """Returns the chunks to read, in order: int64 (n, 2), rows [first, stop), none of them empty."""
        chunks = self.chunks
        if self.shuffle:
            chunks = chunks[permute(np.arange(len(chunks)), size=len(chunks), seed=self.seed, epoch=epoch)]
        ends = np.cumsum(chunks[:, 1] - chunks[:, 0])
        begins = ends - (chunks[:, 1] - chunks[:, 0])
        first = sum(self.steps.examples_of(worker) for worker in range(self.steps.shard[0]))
        stop = first + self.steps.examples_of(self.steps.shard[0])
        cut_front, cut_back = np.maximum(first - begins, 0), np.maximum(ends - stop, 0)
        cut = chunks + np.stack([cut_front, -cut_back], axis=1)
        left: npt.NDArray[np.int64] = cut[cut[:, 0] < cut[:, 1]]
        return left

    def shuffle_seed(self, epoch: int) -> int:
        """Returns the seed of the epoch's bounded shuffle, in the range of int64."""
        return int(fold_in("stream", self.seed, epoch)[0] >> np.uint64(1))
