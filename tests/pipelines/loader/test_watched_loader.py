"""What `InputMonitor` knows of a loader."""

import time

import pytest

from fitfeed.pipelines import Dataset, InputMonitor, make_loader
from fitfeed.schemas.payload import Pixels


def slow(image: Pixels) -> Pixels:
    """Half a millisecond of Python."""
    for _ in range(20_000):
        pass
    return image


@pytest.mark.parametrize("prefetch", [0, 2])
def test_it_is_known_why_a_loader_was_late(thumbnails: Dataset, prefetch: int) -> None:
    monitor = InputMonitor()
    ours = make_loader(thumbnails, "train", batch_size=8, augment=[slow], processes=0, prefetch=prefetch)
    for _ in range(2):
        for _ in monitor.watch(ours):
            time.sleep(1e-3)
    assert [waiting.steps + waiting.left_out for waiting in monitor.epochs] == [len(ours)] * 2
    # Where other programs have the CPUs, the line says that instead.
    assert ", your function slow " in monitor.lines[-1] or "The stages could make" in monitor.lines[-1]
