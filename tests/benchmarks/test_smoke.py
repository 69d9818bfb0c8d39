"""Every benchmark runs and reports. What it measures is not looked at: that is for a quiet machine."""

import json
import math
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from benchmarks.__main__ import NAMES
from benchmarks.measure import ROOT, Spread, alternate, compared


@pytest.mark.slow
@pytest.mark.parametrize("name", [*NAMES, "gpu", "accelerator"])
def test_benchmark_runs_and_reports(name: str, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    command = [sys.executable, str(ROOT / "benchmarks" / f"{name}.py"), "--smoke", "--json", str(file)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(file.read_text())
    assert report["benchmark"] == name
    assert report["settings"]["smoke"] is True
    assert report["machine"]["cpus"] >= 1
    for result in report["results"]:
        may_be_none = result["unit"] == "ms/step"  # a step may wait for nothing
        assert all(math.isfinite(value) and (value > 0 or may_be_none) for value in result["values"])
    assert all(result["contestant"] in done.stdout for result in report["results"])


def test_all_together_refuses_an_unknown_name() -> None:
    command = [sys.executable, "-m", "benchmarks", "nothing"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no such benchmark: nothing" in done.stderr


def test_contestants_alternate_forwards_and_backwards() -> None:
    order: list[str] = []

    def run(name: str) -> int:
        order.append(name)
        return len(order)

    outcomes = alternate({name: partial(run, name) for name in "abc"}, rounds=2)
    assert "".join(order) == "abccba"
    assert outcomes == {"a": [1, 6], "b": [2, 5], "c": [3, 4]}


def test_ratios_are_taken_round_by_round() -> None:
    ours, floor = compared("case", {"ours": [1, 6, 2], "floor": [2, 8, 8]}, unit="images/s", floor="floor")
    assert ours.ratio == Spread(median=0.5, min=0.25, max=0.75)
    assert floor.ratio is None
    assert ours.to_json()["median"] == 2
