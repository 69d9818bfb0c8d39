"""Verdicts about images that crash or hang their process."""

import dataclasses
from pathlib import Path

import pytest

from fitfeed.converters.duplicates.image_hashes import ImageHashes
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.planning.plan import make_plan
from fitfeed.converters.staging.quarantine import ATTEMPTS, CrashTracker, Quarantine, WorkerExit
from fitfeed.converters.staging.results import RowColumns, ShardResult
from fitfeed.converters.staging.staging import open_staging
from fitfeed.schemas.manifest_parts import Shard
from fitfeed.schemas.storage.local import LocalPlace
from tests.photos import copy_photos


@pytest.fixture(scope="module")
def photos(clothing: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """16 good photographs in two classes."""
    folder = tmp_path_factory.mktemp("photos")
    return copy_photos(clothing / "train", folder, ("dress", "longsleeve"), count=8)


CRASH, KILL = WorkerExit(entry=7, exit_code=-11), WorkerExit(entry=7, exit_code=-9)


HANG = WorkerExit(entry=7, exit_code=-9, limit_s=5.0)


ELSEWHERE, IDLE = WorkerExit(entry=8, exit_code=-11), WorkerExit(entry=None, exit_code=-9)


@pytest.mark.parametrize(
    ("deaths", "reason"),
    [
        ([CRASH], None),
        ([CRASH, CRASH], "decoder_crash"),
        ([HANG, HANG], "timeout"),
        ([CRASH, ELSEWHERE], None),
        ([CRASH, IDLE, CRASH], "decoder_crash"),
        ([KILL, KILL], None),
        ([KILL, KILL, KILL], "decoder_crash"),
        ([KILL, HANG, HANG], "timeout"),
    ],
)
def test_two_crashes_or_three_kills_condemn_an_image(deaths: list[WorkerExit], reason: str | None) -> None:
    suspects = CrashTracker()
    verdicts = [suspects.add(death) for death in deaths]
    assert verdicts[:-1] == [None] * (len(deaths) - 1)
    assert (verdicts[-1] and verdicts[-1].reason) == reason


def test_deaths_that_no_image_explains_end_the_shard() -> None:
    suspects = CrashTracker()
    for death in (CRASH, CRASH, IDLE, ELSEWHERE):
        suspects.add(death)
        assert not suspects.exhausted
    suspects.add(IDLE)
    assert suspects.exhausted
    assert ATTEMPTS == 3


def test_verdicts_are_of_one_plan_and_one_time_limit(photos: Path, tmp_path: Path) -> None:
    plan = make_plan(photos, ConvertOptions(shards=1))
    with open_staging(LocalPlace(tmp_path / "dataset")) as staging:
        work = staging.prepare(plan, timeout_s=1)
    job = work.read_job()
    other = dataclasses.replace(job, stamps=["0" * 64])
    crash = Quarantine(reason="decoder_crash", detail="crashed")
    slow = Quarantine(reason="timeout", detail="slow", limit_s=5.0)
    result = ShardResult(
        stamp=job.stamps[0],
        shard=Shard(file=plan.shards[0].file, bytes=0, sha256="0" * 64, examples=0),
        rows=RowColumns(),
        image_hashes=ImageHashes().columns(),
        rejects=[],
        histogram=[],
    )
    work.write_result(0, result)
    work.quarantine(job, 0, 3, crash)
    work.quarantine(job, 0, 4, slow)
    assert work.read_quarantined(other, 0) == {}
    for limit_s in (1.0, 5.0):
        work.release(job, limit_s)
        assert work.read_quarantined(job, 0) == {3: crash, 4: slow}
        assert work.read_result(job, 0) is not None
    work.release(job, 6.0)
    assert work.read_quarantined(job, 0) == {3: crash}
    assert work.read_result(job, 0) is None
    work.quarantine(job, 0, 4, slow)
    work.release(job, 0)
    assert work.read_quarantined(job, 0) == {3: crash}
