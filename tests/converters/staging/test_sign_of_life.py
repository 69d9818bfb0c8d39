"""Whether a job moves is seen from what changes, and thousands of workers do not all write."""

import threading
import time
from pathlib import Path
from typing import Any, cast

import pytest

from fitfeed.converters.staging import sign_of_life as signs
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.launch import JobLaunch
from fitfeed.converters.staging.sign_of_life import ALIVE_NAME, JobWatch, sign_of_life
from fitfeed.schemas.storage.place import Place
from tests.schemas.storage.places import KINDS, PLACES, memory_place


class _Job:
    """What signs of life need of a job."""

    def __init__(self, launch: str, engine: str) -> None:
        self.launch, self.engine = launch, engine


def job(launch: str = "mine", engine: str = "flink") -> Job:
    return cast("Job", _Job(launch, engine))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in {"RENEW_S": 0.02, "LOOK_S": 0.005, "DEAD_AFTER_S": 0.2, "FIRST_SIGN_S": 0.4}.items():
        monkeypatch.setattr(signs, name, seconds)


@pytest.fixture(params=PLACES)
def work(request: pytest.FixtureRequest, tmp_path: Path) -> WorkFolder:
    found = WorkFolder(KINDS[request.param](tmp_path), "digest")
    found.launch.begin(JobLaunch(token="mine", engine="flink"))
    return found


def seconds_until_dead(watch: JobWatch) -> float:
    begun = time.monotonic()
    while not watch.is_dead:
        watch.look()
    return time.monotonic() - begun


def test_a_job_moves_while_a_worker_works(work: WorkFolder) -> None:
    watch = JobWatch(work)
    with sign_of_life(work, job()):
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            watch.look()
            assert not watch.is_dead
        assert watch.has_moved
    assert seconds_until_dead(watch) > 0.1


def test_a_job_without_workers_has_more_time(work: WorkFolder) -> None:
    assert seconds_until_dead(JobWatch(work)) >= 0.4


def test_an_old_sign_is_no_movement(work: WorkFolder) -> None:
    work.root.write(ALIVE_NAME, b"x")
    watch = JobWatch(work)
    assert seconds_until_dead(watch) > 0.1
    assert not watch.has_moved


@pytest.mark.parametrize("other", [job(launch="older"), job(engine="")], ids=["older launch", "local run"])
def test_others_show_no_sign(work: WorkFolder, other: Job) -> None:
    with sign_of_life(work, other):
        time.sleep(0.05)
    assert not work.root.area().has_file(ALIVE_NAME)


def test_results_are_signs(work: WorkFolder) -> None:
    watch = JobWatch(work)
    work.root.write("results/00001.json", b"{}")
    watch.look()
    assert watch.has_moved


def test_of_many_workers_few_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signs, "RENEW_S", 0.1)
    place = memory_place()
    work = WorkFolder(place, "digest")
    work.launch.begin(JobLaunch(token="mine", engine="flink"))
    written: list[float] = []
    write = type(place).write

    def counted(self: Place, *arguments: Any) -> Any:
        written.append(time.monotonic())
        return write(self, *arguments)

    monkeypatch.setattr(type(place), "write", counted)
    ended = threading.Event()
    threads = [threading.Thread(target=signs._keep_alive, args=(work, job(), ended)) for _ in range(30)]
    for thread in threads:
        thread.start()
    time.sleep(1.0)
    ended.set()
    for thread in threads:
        thread.join()
    assert 5 < len(written) < 120  # alone, each would have written 13 times


def test_a_worker_that_cannot_write_goes_on(work: WorkFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(type(work.root), "write", fail)
    with sign_of_life(work, job()):
        time.sleep(0.05)
    assert not work.root.area().has_file(ALIVE_NAME)


def test_nothing_is_written_when_the_staging_area_is_gone(work: WorkFolder) -> None:
    with sign_of_life(work, job()):
        time.sleep(0.05)
        work.root.delete_all()
        work.dataset.below(".work").delete_all()
        time.sleep(0.1)
    assert not work.root.exists()
