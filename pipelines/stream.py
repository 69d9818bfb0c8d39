"""Stream access: sequential reads of whole chunks, for files that are slow to jump about in.

An epoch is a permutation of chunks (runs of consecutive examples of one shard, each fetched by one
read), several of them interleaved, through a bounded shuffle of encoded bytes. As the stored order
is random already, that is a good shuffle, though not the perfect one of indexed access.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.calls import guarded
from fitfeed.pipelines.hashing import hash_key
from fitfeed.pipelines.order import permute
from fitfeed.pipelines.records import Records
from fitfeed.pipelines.steps import Steps

if TYPE_CHECKING:
    import tensorflow as tf

CHUNK = 64
"""Examples per read: at 30 KB each 2 MB, where a spinning disk spends most of its time reading."""

INTERLEAVED = 8
"""Chunks that are read and mixed at once."""

SHUFFLE_BYTES = 256 << 20  # 256 MiB of encoded images: some 8,000 of 30 KB
"""Bound of the shuffle buffer."""


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
    steps: Steps
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
        return int(hash_key("stream", self.seed, epoch)[0] >> np.uint64(1))


def encoded_batches(
    records: Records, order: ChunkOrder, epoch: "tf.Tensor", first_step: "tf.Tensor"
) -> "tf.data.Dataset":
    """The encoded batches of an epoch.

    Args:
        records: Where the bytes come from.
        order: Which chunks.
        epoch: int64 scalar.
        first_step: int64 scalar: the steps before it are read, but left out.

    Returns:
        Elements (epoch, examples int64 (n,), payloads string (n,)), n as `order.steps.sizes()` has it.
    """
    import tensorflow as tf

    def plan(epoch: np.int64) -> tuple[npt.NDArray[np.int64], np.int64]:
        return order.of_epoch(int(epoch)), np.int64(order.shuffle_seed(int(epoch)))

    def read(first: np.int64, stop: np.int64) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
        return np.arange(first, stop), np.array(records.payloads(int(first), int(stop)), object)

    def read_chunk(bounds: "tf.Tensor") -> "tf.data.Dataset":
        rows, payloads = tf.numpy_function(guarded(read), [bounds[0], bounds[1]], [tf.int64, tf.string])
        return tf.data.Dataset.from_tensor_slices(
            (tf.ensure_shape(rows, [None]), tf.ensure_shape(payloads, [None]))
        )

    # A seed that the user sets for the whole of TensorFlow must not reach the order of the data:
    # in a dataset function, this call is about that function's own graph only.
    tf.random.set_seed(1)
    chunks, shuffle_seed = tf.numpy_function(guarded(plan), [epoch], [tf.int64, tf.int64])
    sizes = tf.constant(order.steps.sizes())
    examples = tf.data.Dataset.from_tensor_slices(tf.ensure_shape(chunks, [None, 2])).interleave(
        read_chunk,
        cycle_length=INTERLEAVED if order.shuffle else 1,  # one at a time keeps the stored order
        num_parallel_calls=INTERLEAVED if order.shuffle else 1,
        deterministic=True,
    )
    if order.shuffle:
        examples = examples.shuffle(
            _shuffle_buffer(records), seed=tf.ensure_shape(shuffle_seed, []), reshuffle_each_iteration=False
        )
    # Skipping comes after shuffling, or a resumed epoch would be shuffled otherwise. What is skipped
    # is never decoded. `rebatch` gives the last steps the sizes that keep all workers in step.
    examples = examples.skip(tf.reduce_sum(sizes[:first_step]))
    batches = examples.batch(order.steps.batch_size).rebatch(sizes[first_step:])
    return batches.map(lambda rows, payloads: (epoch, rows, payloads))


def _shuffle_buffer(records: Records) -> int:
    """Examples in the shuffle buffer, from the mean size of a payload."""
    return max(1, min(len(records), SHUFFLE_BYTES // max(1, int(records.index.length.mean()))))
