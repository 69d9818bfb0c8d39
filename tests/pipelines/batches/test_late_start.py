"""When worker processes start, and that nothing but time depends on it."""

import time

import numpy as np
import pytest

from fitfeed.pipelines import Dataset, RandomFlip, RandomResizedCrop
from fitfeed.pipelines.augment.compiler.program import Program
from fitfeed.pipelines.batches import late_start
from fitfeed.pipelines.batches.late_start import workers_are_due
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


def test_every_image_counts(flowers: Dataset) -> None:
    """Those that a thread writes first, too."""
    loading = Loading(flowers, Program([], image_size=(20, 30), seed=1), processes=1, late=True)
    for epoch in range(2):
        loading.load(epoch, ALL)
    assert loading.loader._written == 2 * len(ALL)


@pytest.mark.parametrize("late", [True, False])
def test_copies_have_workers_only_if_these_are_asked_for(thumbnails: Dataset, *, late: bool) -> None:
    """Reading is all that is done to stored pixels, without the interpreter lock."""
    program = Program([], image_size=None, seed=1)
    copying = Loading(thumbnails, program, processes=1, late=late, epoch_images=10_000)
    expected = Loading(thumbnails, program).load(0, ALL)
    np.testing.assert_array_equal(copying.load(0, ALL), expected)
    assert (copying.loader._processes is None) == late
    assert (copying.loader.workers, copying.loader.copies) == (0 if late else 1, True)


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
