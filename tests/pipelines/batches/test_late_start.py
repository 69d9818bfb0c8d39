"""When worker processes start, and that nothing but time depends on it."""

import threading
import time

import numpy as np
import pytest

from fitfeed.pipelines import Dataset, RandomFlip, RandomResizedCrop
from fitfeed.pipelines.augment.compiler.program import Program
from fitfeed.pipelines.batches import late_start
from fitfeed.pipelines.batches.late_start import workers_are_due
from fitfeed.pipelines.batches.writer_threads import WriterThreads
from tests.pipelines.image_loading import Loading

ALL = np.arange(53)
MAX_WAIT_S = 120.0


def test_workers_are_due_with_many_images() -> None:
    assert not workers_are_due(999, epoch_images=999)
    assert workers_are_due(1000, epoch_images=1)
    assert workers_are_due(0, epoch_images=1000)


def test_workers_of_a_long_epoch_start_with_the_first_batch(flowers: Dataset) -> None:
    program = Program([], image_size=(20, 30), seed=1)
    short, long = (Loading(flowers, program, processes=2, late=True, epoch_images=n) for n in (999, 1000))
    expected = short.load(0, ALL)
    assert short.pids == []
    np.testing.assert_array_equal(long.load(0, ALL), expected)
    assert len(long.pids) == 2


def count(_: int) -> None:
    for _ in range(1_000_000):
        pass


def test_threads_count_their_own_time_only() -> None:
    threads = WriterThreads(1)
    threads.write(count, 1)  # what a thread does first is not counted: it imports, and compiles
    assert threads.timed == (0, 0.0)
    threads.write(lambda _: time.sleep(0.02), 4)
    waited = threads.timed.cpu_s
    threads.write(count, 4)
    assert threads.timed.places == 8
    assert 0 < waited < 0.02 < threads.timed.cpu_s


def test_threads_count_by_who_asks() -> None:
    """A pipeline that is measured may make batches ahead of use meanwhile."""
    threads = WriterThreads(1)
    threads.write(count, 1)
    other = threading.Thread(target=threads.write, args=(count, 2))
    other.start()
    other.join()
    assert threads.timed == (0, 0.0)
    threads.write(lambda _: None, 3)
    assert threads.timed.places == 3


def test_an_image_takes_what_timed_images_took(flowers: Dataset) -> None:
    """First blocks of threads, and masks, which the same threads write, say nothing of an image."""
    loading = Loading(flowers, Program([], image_size=(20, 30), seed=1))
    loader = loading.loader
    loader._threads = WriterThreads(1)
    loading.load(0, ALL)
    images, seconds = loader._timed
    assert images == len(ALL) - 16  # without the first block
    loader._threads.write(count, 4)
    assert loader._timed == (images, seconds)
    loading.load(1, ALL)
    assert loader._timed.places == images + len(ALL)


@pytest.mark.slow
def test_threads_begin_and_workers_go_on_with_the_same_batches(
    flowers: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = Program([RandomResizedCrop(), RandomFlip()], image_size=(20, 30), seed=1)
    ours, threads = Loading(flowers, program, processes=2, late=True), Loading(flowers, program)
    epoch = 0
    for epoch in range(2):
        np.testing.assert_array_equal(ours.load(epoch, ALL), threads.load(epoch, ALL))
    assert ours.pids == []
    monkeypatch.setattr(late_start, "MANY_IMAGES", 0)
    deadline = time.monotonic() + MAX_WAIT_S
    while not ours.loader._are_ready:
        assert time.monotonic() < deadline
        epoch += 1
        np.testing.assert_array_equal(ours.load(epoch, ALL), threads.load(epoch, ALL))
    assert len(ours.pids) == 2
    for epoch in range(3):
        np.testing.assert_array_equal(ours.load(epoch, ALL), threads.load(epoch, ALL))


def test_workers_that_are_asked_for_start_at_once(flowers: Dataset) -> None:
    ours = Loading(flowers, Program([], image_size=(20, 30), seed=1), processes=1)
    ours.load(0, ALL)
    assert len(ours.pids) == 1
