"""What `InputMonitor` knows of a loader."""

import time

import pytest

from fitfeed.pipelines import Dataset, InputMonitor, Loader, make_loader
from fitfeed.pipelines.callbacks import input_monitor
from fitfeed.pipelines.monitor.epoch_waiting import InputWaiting
from fitfeed.pipelines.monitor.late_input import look_at
from fitfeed.schemas.payload import Pixels


def slow(image: Pixels) -> Pixels:
    """Half a millisecond of Python."""
    for _ in range(20_000):
        pass
    return image


LATE = InputWaiting(steps=10, left_out=1, images=80, waiting=8.0, computing=2.0, between=0.0)


def watched(dataset: Dataset, prefetch: int) -> tuple[InputMonitor, Loader]:
    """Goes through two epochs of a loader. How long it waits depends on what else the machine does."""
    monitor = InputMonitor()
    ours = make_loader(dataset, "train", batch_size=8, augment=[slow], processes=0, prefetch=prefetch)
    for _ in range(2):
        for _ in monitor.watch(ours):
            time.sleep(1e-3)
    return monitor, ours


@pytest.mark.parametrize("prefetch", [0, 2])
def test_it_is_known_why_a_loader_was_late(thumbnails: Dataset, prefetch: int) -> None:
    monitor, ours = watched(thumbnails, prefetch)
    assert [waiting.steps + waiting.left_out for waiting in monitor.epochs] == [len(ours)] * 2
    assert monitor._source() is ours._made
    late = monitor._late_input(LATE)
    assert late is not None
    assert "slow" in [late.verdict.function, *(each.name for each in look_at(ours._maker).times.functions)]


def test_a_measurement_that_fails_ends_no_training(
    thumbnails: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_maker: object) -> None:
        raise LookupError

    monkeypatch.setattr(input_monitor, "look_at", fail)
    monitor, ours = watched(thumbnails, 0)
    assert monitor._source() is ours._made
    monitor._fed = None
    assert monitor._late_input(LATE) is None
