"""Stream access: reads whole chunks in sequence, for files in which seeking is slow.

An epoch is a permutation of chunks: runs of consecutive examples of one shard, which one read fetches.
Several chunks are interleaved, and their encoded bytes pass through a bounded shuffle. The stored order
is random already, so this is a good shuffle, though not the perfect one of indexed access.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.order.chunks import ChunkOrder
from fitfeed.pipelines.reading.records import Records
from fitfeed.pipelines.tf_data.py_function import refuse_at_exit

if TYPE_CHECKING:
    import tensorflow as tf


INTERLEAVED = 8
"""Chunks that are read and interleaved at once."""

MAX_SHUFFLE_BYTES = 256 << 20  # 256 MiB of encoded images: some 8,000 of 30 KB
"""Bytes in the shuffle buffer."""


def encoded_batches(
    records: Records, order: ChunkOrder, epoch: "tf.Tensor", first_step: "tf.Tensor"
) -> "tf.data.Dataset":
    """Makes a dataset of the encoded batches of an epoch.

    Args:
        records: The source of the bytes.
        order: Which chunks to read.
        epoch: int64 scalar.
        first_step: int64 scalar. The steps before it are read, but left out.

    Returns:
        A dataset of (epoch, examples int64 (n,), payloads string (n,)), with n of `order.steps.sizes()`.
    """
    import tensorflow as tf

    def plan(epoch: np.int64) -> tuple[npt.NDArray[np.int64], np.int64]:
        return order.of_epoch(int(epoch)), np.int64(order.shuffle_seed(int(epoch)))

    def read(first: np.int64, stop: np.int64) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
        return np.arange(first, stop), np.array(records.payloads(int(first), int(stop)), object)

    def read_chunk(bounds: "tf.Tensor") -> "tf.data.Dataset":
        rows, payloads = tf.numpy_function(
            refuse_at_exit(read), [bounds[0], bounds[1]], [tf.int64, tf.string]
        )
        return tf.data.Dataset.from_tensor_slices(
            (tf.ensure_shape(rows, [None]), tf.ensure_shape(payloads, [None]))
        )

    # A seed that the user sets for all of TensorFlow must not change the order of the data. In a
    # dataset function, this call sets the seed of that function's own graph only.
    tf.random.set_seed(1)
    chunks, shuffle_seed = tf.numpy_function(refuse_at_exit(plan), [epoch], [tf.int64, tf.int64])
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
    # Skipping comes after shuffling, or a resumed epoch would be shuffled differently. Skipped examples
    # are not decoded. `rebatch` gives the last steps the sizes that keep all workers in step.
    examples = examples.skip(tf.reduce_sum(sizes[:first_step]))
    batches = examples.batch(order.steps.batch_size).rebatch(sizes[first_step:])
    return batches.map(lambda rows, payloads: (epoch, rows, payloads))


def _shuffle_buffer(records: Records) -> int:
    """Computes how many examples the shuffle buffer holds, from the mean size of a payload."""
    return max(1, min(len(records), MAX_SHUFFLE_BYTES // max(1, int(records.index.length.mean()))))
