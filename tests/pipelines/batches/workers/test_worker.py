"""The program of a worker process, called without one."""

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from fitfeed.pipelines.batches.workers.protocol import Answer, Task
from fitfeed.pipelines.batches.workers.shared_memory import BatchLayout
from fitfeed.pipelines.batches.workers.worker import Setup, Worker
from fitfeed.schemas.errors import DamagedDatasetError, DamagedExampleError
from tests.programs import run_program


def test_workers_load_no_framework() -> None:
    program = "import sys, fitfeed.pipelines.batches.workers.worker; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = run_program(program).split()
    assert "fitfeed" in loaded
    assert not {"tensorflow", "keras", "apache_beam", "h5py"} & set(loaded)


class Rendered:
    """Writes the example number into each image, and finds example 5 damaged."""

    def render(
        self, epoch: int, examples: Any, rng_index: Any, *, out: Any, payloads: Any = None
    ) -> dict[int, DamagedExampleError]:
        if epoch == 9:
            msg = "no such colour"
            raise KeyError(msg)
        if epoch == 8:
            msg = "gone"
            raise DamagedDatasetError(msg)
        out[...] = examples[:, None, None, None]
        return {i: DamagedExampleError("broken") for i in np.flatnonzero(examples == 5).tolist()}


@pytest.fixture
def memory() -> Iterator[int]:
    descriptor = os.memfd_create("batches")
    yield descriptor
    os.close(descriptor)


def task(epoch: int = 0) -> Task:
    numbers = np.arange(4, 7)
    return Task(job=7, slot=1, epoch=epoch, first=2, examples=numbers, rng_index=numbers)


def test_a_block_lies_in_its_place_of_the_batch(memory: int) -> None:
    layout = BatchLayout((6, 2, 3, 1), np.dtype(np.uint8))
    os.truncate(memory, 2 * layout.slot_bytes)
    answer = Worker(Setup(Rendered(), layout), memory).work(task())
    assert answer == Answer(job=7, damaged={3: "broken"})
    batch = np.frombuffer(layout.map(memory, 1), np.uint8, layout.array_bytes).reshape(layout.shape)
    assert batch[:, 0, 0, 0].tolist() == [0, 0, 4, 5, 6, 0]


def test_errors_are_answers(memory: int) -> None:
    layout = BatchLayout((6, 2, 3, 1), np.dtype(np.uint8))
    os.truncate(memory, 2 * layout.slot_bytes)
    worker = Worker(Setup(Rendered(), layout), memory)
    ours = worker.work(task(epoch=8)).exception()
    assert isinstance(ours, DamagedDatasetError)
    assert str(ours) == "gone"
    theirs = worker.work(task(epoch=9))
    assert theirs.error is not None
    assert theirs.error[0] == "KeyError"
    assert "in render" in theirs.error[1]  # its traceback
