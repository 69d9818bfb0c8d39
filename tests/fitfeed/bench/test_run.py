"""The whole measurement of a small dataset."""

import math
from pathlib import Path

import pytest

from fitfeed.bench.plan import make_plan
from fitfeed.bench.run import STEPS, run_bench
from fitfeed.pipelines import RandomFlip, open_dataset
from fitfeed.pipelines.stages.stage_times import STAGES


@pytest.mark.slow
@pytest.mark.parametrize("processes", [0, 1])
def test_everything_is_measured(gray: Path, processes: int) -> None:
    dataset = open_dataset(gray)
    plan = make_plan(dataset, image_size=(16, 16), augment=[RandomFlip()], processes=processes)
    told: list[str] = []
    result = run_bench(dataset, plan, need=1e9, seconds=0.2, progress=told.append)
    assert list(dict.fromkeys(told)) == [step for step in STEPS if step != "model"]
    assert all(result.times[stage].cpu_s > 0 for stage in STAGES)
    assert all(result.times[stage].floor_s for stage in STAGES)
    assert result.verdict.rate > 0
    assert result.floor_rate is not None
    assert math.isfinite(result.floor_rate)
    assert result.cold_rate is not None
    assert result.machinery.kind == ("processes" if processes else "threads")
