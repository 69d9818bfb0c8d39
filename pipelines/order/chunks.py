"""The order of stream access: which runs of consecutive examples are read, one after the other."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.order.counter_rng import fold_in
from fitfeed.pipelines.order.global_batches import EpochSteps
from fitfeed.pipelines.order.shuffle import permute

if TYPE_CHECKING:
    pass


CHUNK = 64
"""Examples per read: at 30 KB each 2 MB, where a spinning disk spends most of its time reading."""


def chunk_bounds(shard_examples: list[int]) -> npt.NDArray[np.int64]:
    """Cuts shards into chunks.

    Args:
        shard_examples: Examples per shard, in order.

    Returns:
        int64 (chunks, 2): rows [first, stop) of each; no chunk crosses a shard's end.
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

    The workers share the sequence of all chunks in the epoch's order: each takes as many examples,
    from one place of it, as its steps need. A chunk on the border of two workers is cut.

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
        """The chunks to read, in order: int64 (n, 2), rows [first, stop), none empty."""
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
        """Seed of the epoch's bounded shuffle, in the range of int64."""
        return int(fold_in("stream", self.seed, epoch)[0] >> np.uint64(1))
