"""Messages between a process and its workers, written and read."""

import numpy as np

from fitfeed.pipelines.batches.workers.protocol import Answer, Task
from fitfeed.schemas.errors import DamagedExampleError
from fitfeed.schemas.processes.error_text import ErrorText

ALL = np.arange(53)


def test_messages_arrive_as_they_were_sent() -> None:
    task = Task(job=3, slot=1, epoch=2**40, first=16, examples=ALL + 2**33, rng_index=ALL * 7)
    copy = Task.decode(task.encode())
    assert (copy.job, copy.slot, copy.epoch, copy.first) == (3, 1, 2**40, 16)
    assert np.array_equal(copy.examples, task.examples)
    assert np.array_equal(copy.rng_index, task.rng_index)
    plain = Answer(job=5)
    assert Answer.decode(plain.encode()) == plain
    full = Answer(job=5, damaged={3: "fehlt: \udcff ü"}, error=ErrorText("DamagedExampleError", "x"))
    assert Answer.decode(full.encode()) == full
    assert isinstance(full.exception(), DamagedExampleError)
    assert isinstance(Answer(job=1, error=ErrorText("SystemError", "x")).exception(), RuntimeError)
    long = Answer(job=5, damaged=dict.fromkeys(range(32), "𝄞" * 10_000)).encode()
    assert len(long) < 150_000


def test_the_lines_of_an_error_arrive_as_lines() -> None:
    sent = DamagedExampleError("two examples are broken:", "  a\nb.jpg", "Restore them.")
    answer = Answer.decode(Answer(job=1, error=ErrorText.of(sent)).encode())
    received = answer.exception()
    assert isinstance(received, DamagedExampleError)
    assert received.args == sent.args == ("two examples are broken:", r"  a\nb.jpg", "Restore them.")
