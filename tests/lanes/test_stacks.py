"""Stacks that are tried: what is installed for them, and what a report of their tests says."""

import re
from pathlib import Path

import pytest

from tests.lanes.stacks import LOADER_TESTS, STACKS, TESTS, counted, main, requirements
from tests.lanes.tried import Counted

ROOT = Path(__file__).parents[2]


def versions(name: str) -> dict[str, str]:
    lines = requirements(STACKS[name]).splitlines()
    return dict(re.split(r"(?:\[[\w,]+\])?==", line.partition(" ;")[0]) for line in lines)


def test_a_stack_has_the_versions_of_its_lane_but_for_some() -> None:
    lane, stack = versions("oldest"), versions("tensorflow-2.17")
    assert stack["tensorflow"] == "2.17.1"
    assert stack["numpy"] == lane["numpy"] == "1.26.0"
    other = {"tensorflow", "tensorboard", "ml-dtypes", "tqdm"}
    assert {name for name in lane if lane[name] != stack[name]} == other


def test_tensorflow_is_left_out_where_it_is_to_be() -> None:
    stack = versions("no-tensorflow-newest")
    assert not {"tensorflow", "tensorboard"} & stack.keys()
    assert {"keras", "jax", "torch", "numpy", "pytest"} <= stack.keys()


def test_every_line_has_one_version_and_markers_stay() -> None:
    lines = requirements(STACKS["newest"]).splitlines()
    assert 'google-apitools==0.5.35 ; python_version >= "3.13"' in lines
    assert "apache-beam[dask,gcp]==2.77.0" in lines
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+(\[[\w,]+\])?==[^\s]+( ; .+)?", line)] == []


def test_tests_are_those_of_a_lane() -> None:
    line = re.search(r"^LANE_TESTS \?= (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert line is not None
    assert line[1].split() == list(TESTS)
    assert {stack.tests for stack in STACKS.values()} == {TESTS, LOADER_TESTS}


def test_a_report_is_counted(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text('<testsuites><testsuite tests="9" failures="2" errors="1" skipped="3"/></testsuites>')
    assert counted(report) == Counted(passed=3, failed=3, skipped=3)


def test_a_stack_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tensorflow-1"]) == 2
    assert "tensorflow-2.17" in capsys.readouterr().err
