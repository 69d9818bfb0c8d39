"""What TensorFlow adds is measured by itself, and the whole as fit would have it."""

from pathlib import Path

import pytest

from fitfeed.bench.hand_over import hand_over, whole_rate
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
