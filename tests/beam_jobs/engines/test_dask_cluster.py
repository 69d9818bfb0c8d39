"""What the workers of Dask are asked before launch, and what is said of their answers. Engines' tests ask real ones."""

import logging
from pathlib import Path

import pytest

from fitfeed.beam_jobs.engines import dask_cluster, quiet_worker
from fitfeed.beam_jobs.engines.dask_cluster import (
    DASK,
    check_dask,
    quiet_workers,
    with_partitions,
    worker_facts,
)
from fitfeed.beam_jobs.engines.launch import Launch
from fitfeed.schemas.errors import RemoteError, UsageError
from fitfeed.schemas.storage.local import LocalPlace
from fitfeed.schemas.storage.open_place import open_place


def test_workers_that_are_started_here_do_not_say_what_nobody_asked() -> None:
    dask = pytest.importorskip("dask")
    preload = "distributed.worker.preload"
    with dask.config.set({preload: "mine"}):
        with quiet_workers():
            assert dask.config.get(preload) == ["mine", "fitfeed.beam_jobs.engines.quiet_worker"]
        assert dask.config.get(preload) == "mine"
        with dask.config.set({preload: None}), quiet_workers():
            assert dask.config.get(preload) == ["fitfeed.beam_jobs.engines.quiet_worker"]
        with dask.config.set({f"{preload}-argv": [["--mine"]]}), quiet_workers():
            assert dask.config.get(preload) == "mine"
    assert DASK.launching is quiet_workers


def test_a_line_whose_arguments_do_not_fit_raises_nothing() -> None:
    record = logging.LogRecord("root", logging.WARNING, "", 0, "%d", ("x",), None)
    assert quiet_worker.is_asked_for(record)


def test_only_the_one_line_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    root = logging.getLogger()
    quiet_worker.dask_setup(None)
    try:
        logging.warning("apitools not found, and bigquery client libraries are not available despite %s", "x")
        logging.warning("apitools is old")
        logging.getLogger("another").warning("apitools not found, and more")
    finally:
        root.removeFilter(quiet_worker.is_asked_for)
    assert [record.getMessage() for record in caplog.records] == [
        "apitools is old",
        "apitools not found, and more",
    ]


@pytest.fixture
def launch(server: str, tmp_path: Path) -> Launch:
    return Launch(
        runner="dask",
        options={"address": f"tcp://{server}", "scheduler_file": None},
        dataset=LocalPlace(tmp_path / "made" / "later"),
        sources=[open_place("gs://bucket/s", "SOURCE")],
    )


def answer(monkeypatch: pytest.MonkeyPatch, answers: object) -> None:
    monkeypatch.setattr(dask_cluster, "_ask_workers", lambda address, paths: answers)


def test_workers_that_are_alike_are_fine(
    launch: Launch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, {"tcp://w": worker_facts([str(tmp_path)])})
    assert check_dask(launch) == []


def test_another_version(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = worker_facts([])
    facts["versions"]["apache-beam"] = "2.70.0"
    answer(monkeypatch, {"tcp://w": facts})
    with pytest.raises(
        UsageError,
        match=r"worker tcp://w has apache-beam 2\.70\.0, and here it is .* pip install apache-beam==",
    ):
        check_dask(launch)


def test_a_folder_that_a_worker_does_not_see(
    launch: Launch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, {"tcp://w": worker_facts([])})
    with pytest.raises(UsageError, match=f"DATASET is in {tmp_path}, a folder .* tcp://w does not see"):
        check_dask(launch)


def test_a_worker_without_fitfeed(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, {"tcp://w": ModuleNotFoundError("No module named 'fitfeed'")})
    with pytest.raises(
        UsageError, match=r"cannot use fitfeed: ModuleNotFoundError: No module.*\. Install fitfeed "
    ):
        check_dask(launch)


def test_no_worker_is_a_warning(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, {})
    (warning,) = check_dask(launch)
    assert warning.endswith("has no workers yet: the job waits for one")


@pytest.mark.parametrize("content", [None, b"", b"[]", b"{}"])
def test_a_scheduler_file_that_is_none(launch: Launch, tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "scheduler.json"
    if content is not None:
        file.write_bytes(content)
    options = {"address": None, "scheduler_file": str(file)}
    with pytest.raises(
        UsageError, match=rf"scheduler\.json cannot be read.* dask scheduler --scheduler-file {file}"
    ):
        check_dask(Launch(runner="dask", options=options, dataset=launch.dataset, sources=[]))


def test_a_scheduler_that_is_gone(launch: Launch, closed: str, tmp_path: Path) -> None:
    file = tmp_path / "scheduler.json"
    file.write_text(f'{{"address": "tcp://{closed}"}}')
    options = {"address": None, "scheduler_file": str(file)}
    with pytest.raises(
        RemoteError, match=rf"the scheduler of Dask cannot be reached at {closed}.*--dask_scheduler_file"
    ):
        check_dask(Launch(runner="dask", options=options, dataset=launch.dataset, sources=[]))


def test_without_a_scheduler_workers_start_here(launch: Launch) -> None:
    options = {"address": None, "scheduler_file": None}
    assert check_dask(Launch(runner="dask", options=options, dataset=launch.dataset, sources=[])) == []


def test_each_shard_is_a_task() -> None:
    assert with_partitions(["--a"], 7) == ["--a", "--dask_npartitions=7"]
    for given in ("--dask_npartitions=2", "--dask_partition_size=9"):
        assert with_partitions([given], 7) == [given]
