"""A few cells of the soak test on engines; `make soak` has all of them."""

import contextlib
from pathlib import Path

import pytest

from tests.servers.engines import ENGINE_KINDS
from tests.servers.stores import StoreServers
from tests.soak import engine_matrix
from tests.soak.cases import sample
from tests.soak.engine_matrix import (
    MOMENTS,
    PLACES,
    EngineCase,
    EngineOutcome,
    EngineRunner,
    all_engine_cases,
)
from tests.soak.engine_record import EngineRecord
from tests.soak.engines import engine_report


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "verdict"),
    [
        (EngineCase("dask", "gs", "worker killed", 5), "same"),
        (EngineCase("prism", "folder", "worker killed", 5), "continued"),
    ],
    ids=str,
)
def test_a_case_has_its_verdict(
    case: EngineCase, verdict: str, store_servers: StoreServers, tmp_path: Path
) -> None:
    with contextlib.closing(EngineRunner(store_servers, tmp_path)) as runner:
        outcome = runner.run(case)
    assert outcome.verdict == verdict, outcome.text


def test_another_dataset_and_what_is_left_behind_are_seen(
    store_servers: StoreServers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = EngineRunner(store_servers, tmp_path)
    case = EngineCase("dask", "folder", "two launches", 0)

    def copy(runner: EngineRunner, _: EngineCase, dataset: str, **more: bytes) -> tuple[str, str]:
        for name, data in {**runner._expected, **more}.items():
            Path(dataset).mkdir(exist_ok=True)
            Path(dataset, name).write_bytes(data)
        return "same", ""

    for more, verdict in (
        ({}, "same"),
        ({"left": b""}, "ANOTHER DATASET"),
        ({"manifest.json": b"{}"}, "ANOTHER DATASET"),
    ):
        monkeypatch.setitem(
            engine_matrix.FAULT_RUNS, "two launches", lambda *given, more=more: copy(*given, **more)
        )
        assert runner.run(case).verdict == verdict


def test_all_cells_are_there_and_reported() -> None:
    cases = all_engine_cases()
    assert len(cases) == len(set(cases)) == len(ENGINE_KINDS) * len(PLACES) * sum(MOMENTS.values())
    assert 0 < len(sample(cases, "one", 20)) < len(cases) / 8
    lines = engine_report([EngineOutcome(case, "same", "", 1.0) for case in cases]).splitlines()
    assert f"{len(cases)} cases, {len(cases)} s: {len(cases)} same." in lines[2]
    assert "| dask | folder | 10 same | 5 same | 3 same |" in lines


def test_a_long_run_is_continued_from_its_record(tmp_path: Path) -> None:
    one, two, three = cases = all_engine_cases()[:3]
    record = EngineRecord(tmp_path / "record")
    assert record.left(cases) == cases
    for outcome in (EngineOutcome(two, "NOT ONE LINE", "a\nb", 1.0), EngineOutcome(one, "same", "", 2.0)):
        record.add(outcome)
    assert record.left(cases) == [two, three]
    record.add(better := EngineOutcome(two, "continued", "c", 3.0))
    assert record.left(cases) == [three]
    assert record.outcomes([one, two]) == [EngineOutcome(one, "same", "", 2.0), better]
    assert "1 of them ran more than once" in engine_report(
        record.outcomes([two]), record.repeated([two, three])
    )
    assert record.repeated([one]) == 0
    with pytest.raises(KeyError):
        record.outcomes(cases)
