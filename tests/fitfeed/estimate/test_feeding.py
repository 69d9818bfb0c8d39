"""What is measured of a dataset of a sample."""

from pathlib import Path

import pytest

from fitfeed.bench.plan import BenchPlan
from fitfeed.converters.options import ConvertOptions
from fitfeed.estimate import feeding as module
from fitfeed.estimate.feeding import measure_feeding, shorter_side
from fitfeed.pipelines import RandomFlip
from tests.photos import copy_photos
from tests.without_beam import convert


@pytest.fixture
def dataset(clothing: Path, tmp_path: Path) -> Path:
    """Two splits of two photographs."""
    for split in ("train", "part1"):
        copy_photos(clothing / "train", tmp_path / "source" / split, ("dress",), count=2)
    options = ConvertOptions(size=(64, 64), split_folders={"train": "train", "part1": "part1"})
    convert(tmp_path / "source", tmp_path / "dataset", options, labels="none", allow_leaks=True)
    return tmp_path / "dataset"


def test_parts_are_measured_alone_and_the_whole_together(
    dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans: list[BenchPlan] = []

    def endless_rate(opened: object, plan: BenchPlan, **_: object) -> float:
        plans.append(plan)
        return 123.0

    monkeypatch.setattr(module, "endless_rate", endless_rate)
    calls: list[None] = []
    found = measure_feeding(
        dataset,
        ["train", "part1"],
        image_size=(48, 40),
        augment=[RandomFlip()],
        seconds=0.01,
        progress=lambda: calls.append(None),
    )
    assert found.rate == 123.0
    assert found.cold_rate > 0
    assert len(calls) == len(found.part_s) == 2
    assert found.times.cpu_s == pytest.approx(sum(found.part_s) / 2)
    assert found.times["decode"].cpu_s > 0
    assert [(plan.batch_size, plan.image_size) for plan in plans] == [(4, (48, 40))]
    assert list(plans[0].split) == ["train", "part1"]


def test_the_shorter_side_is_the_median_of_all_parts(dataset: Path) -> None:
    assert shorter_side(dataset, ["train", "part1"]) == 64
