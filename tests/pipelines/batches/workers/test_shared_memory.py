"""Memory that several processes write to."""

import gc
import os

import numpy as np

from fitfeed.pipelines.batches.workers.shared_memory import BatchLayout, SharedBuffers


def test_shared_memory_is_used_again_and_given_back() -> None:
    buffers = SharedBuffers(BatchLayout((4, 1000), np.dtype(np.float32)), spare=2)
    alive = [buffers.take(4) for _ in range(6)]
    assert [slot for _, slot in alive] == list(range(6))
    for number, (array, _) in enumerate(alive):
        array[:] = number
    assert [float(array[3, 999]) for array, _ in alive] == list(range(6))
    full = os.fstat(buffers.descriptor).st_blocks
    del array
    alive.clear()
    gc.collect()
    assert os.fstat(buffers.descriptor).st_blocks == full // 3  # of two slots
    array, slot = buffers.take(2)
    assert slot in range(6)
    assert array.shape == (2, 1000)
    assert os.fstat(buffers.descriptor).st_size == 6 * buffers.layout.slot_bytes
