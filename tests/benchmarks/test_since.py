"""The benchmark that measures another commit runs it, and compares what both have."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import since
from benchmarks.measure import ROOT
from benchmarks.since import Figure


def test_figures_of_one_side_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    shared, new = Figure("F1", "fitfeed", "images/s"), Figure("F9", "fitfeed", "images/s")

    def run(name: str, tree: Path, smoke: bool) -> dict[Figure, float]:
        assert (name, smoke) == ("feed", False)
        return {shared: 30.0, new: 1.0} if tree == ROOT else {shared: 20.0}

    monkeypatch.setattr(since, "run", run)
    before, now = since.compare("feed", Path("other"), rounds=2, smoke=False)
    assert (before.contestant, now.contestant, now.case) == ("before", "now", "F1: fitfeed")
    assert before.ratio is None
    assert now.ratio is not None
    assert now.ratio.median == 1.5


@pytest.mark.slow
def test_a_commit_is_measured_against_the_tree(tmp_path: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone: there is no other commit")
    file = tmp_path / "since.json"
    command = [
        sys.executable,
        str(ROOT / "benchmarks" / "since.py"),
        "HEAD",
        "--benchmarks",
        "startup",
        "--smoke",
    ]
    done = subprocess.run([*command, "--json", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    results = json.loads(file.read_text())["results"]
    assert {result["contestant"] for result in results} == {"before", "now"}
    worktrees = subprocess.run(
        ["git", "worktree", "list"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "fitfeed-" not in worktrees.stdout  # the checkout is gone
