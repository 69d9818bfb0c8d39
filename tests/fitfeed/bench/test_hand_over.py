"""What TensorFlow adds is measured by itself, and the whole as fit would have it."""

from pathlib import Path
from typing import Any

import pytest

from fitfeed.bench.hand_over import endless_rate, hand_over, whole_rate
from fitfeed.bench.plan import make_plan
from fitfeed.pipelines import open_dataset
from fitfeed.pipelines.feed.batch_maker import BatchMaker


@pytest.mark.slow
def test_the_hand_over_is_more_than_nothing(gray: Path) -> None:
    dataset = open_dataset(gray)
    plan = make_plan(dataset, processes=0)
    time = hand_over(BatchMaker(dataset, plan.split, plan.options(dataset)))
    assert time.floor_s is not None
    assert time.cpu_s > 0 < time.floor_s
    batches: list[None] = []
    assert whole_rate(dataset, plan, seconds=0.1, progress=lambda: batches.append(None)) > 0
    assert len(batches) > 2


class Enough(Exception):  # noqa: N818 - it is no error
    """Ends a measurement after so many batches, however long they take."""


@pytest.mark.slow
def test_epochs_without_an_end_have_all_batches_of_each(gray: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = open_dataset(gray)
    plan = make_plan(dataset, batch_size=2, processes=0)
    made: list[tuple[int, int]] = []
    make = BatchMaker.make

    def recorded(maker: BatchMaker, epoch: int, step: int) -> Any:
        made.append((int(epoch), int(step)))
        return make(maker, epoch, step)

    monkeypatch.setattr(BatchMaker, "make", recorded)
    steps = -(-dataset.splits["train"].examples // 2)
    assert steps > 1
    fed: list[None] = []

    def enough() -> None:
        fed.append(None)
        if len(fed) == 2 * steps:
            raise Enough

    with pytest.raises(Enough):
        endless_rate(dataset, plan, seconds=3600, progress=enough)
    assert sorted(made)[: 2 * steps] == [(epoch, step) for epoch in range(2) for step in range(steps)]
