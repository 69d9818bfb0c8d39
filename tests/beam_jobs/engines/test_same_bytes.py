"""Every engine makes the dataset that the local run makes, byte for byte, also where its workers are killed."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from fitfeed.beam_jobs.engines.job_failure import LOST_WORKERS
from fitfeed.converters.shards.write_shard import CONTINUES
from fitfeed.schemas.manifest import read_manifest
from fitfeed.schemas.storage.open_place import open_place
from tests.faults import add_fault, faulty_decoder
from tests.folders import contents
from tests.servers.engine_jobs import OPTIONS, SHARDS, LaunchedCommand, draw_slow, run
from tests.servers.engines import ENGINE_KINDS, EngineKind, engine
from tests.servers.stores import Store
from tests.servers.test_programs import is_running
from tests.without_beam import convert

pytestmark = pytest.mark.slow  # engines take seconds to start
JOB_SERVERS: list[EngineKind] = ["prism", "job service"]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return draw_slow(tmp_path / "photos")


@pytest.fixture
def expected(photos: Path, tmp_path: Path) -> dict[str, bytes]:
    convert(photos, tmp_path / "local", OPTIONS)
    return contents(tmp_path / "local")


@pytest.fixture
def slowly(tmp_path: Path) -> Mapping[str, str]:
    """The variables of workers that decode slowly."""
    return {"PYTHONPATH": faulty_decoder(tmp_path / "faults")}


def stored(address: str) -> dict[str, bytes]:
    """All files at an address, but the tables that are not a part of a dataset."""
    place = open_place(address, "DATASET")
    return {found.name: place.read(found.name, at_most=found.bytes)[0] for found in place.files(deep=True)}


@pytest.mark.parametrize("kind", ENGINE_KINDS)
def test_folders(kind: EngineKind, photos: Path, expected: dict[str, bytes], tmp_path: Path) -> None:
    with engine(kind) as started:
        done = run(photos, tmp_path / "dataset", *started.arguments)
        assert done.returncode == 0, done.stderr
        assert contents(tmp_path / "dataset") == expected
        again = run(photos, tmp_path / "dataset", *started.arguments)
        assert "up to date" in again.stdout, again.stderr


def test_no_temporary_folder_is_left(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beam stages each job from one, and removes none; it keeps the folder of its cache for later jobs."""
    with engine("job service") as started:
        (tmp_path / "temporary").mkdir()
        monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
        done = run(photos, tmp_path / "dataset", *started.arguments)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "temporary").iterdir()} <= {"beam-requirements-cache"}


@pytest.mark.parametrize("kind", ENGINE_KINDS)
def test_from_a_store_to_a_store(
    kind: EngineKind, photos: Path, expected: dict[str, bytes], store: Store
) -> None:
    place = open_place(f"{store.address}/photos", "SOURCE")
    for picture in photos.glob("*/*"):
        place.write(picture.relative_to(photos).as_posix(), picture.read_bytes())
    with engine(kind) as started:  # its processes have the variables of the store
        done = run(place, f"{store.address}/dataset", *started.arguments)
    assert done.returncode == 0, done.stderr
    convert(str(place), f"{store.address}/local", OPTIONS)
    ours, local = stored(f"{store.address}/dataset"), stored(f"{store.address}/local")
    assert {name: ours[name] for name in expected} == {name: local[name] for name in expected}
    assert ours.keys() == local.keys()


@pytest.mark.parametrize("killed", [1, 2])
def test_dask_goes_on_without_killed_workers(
    killed: int, photos: Path, expected: dict[str, bytes], slowly: Mapping[str, str], tmp_path: Path
) -> None:
    with engine("dask", slowly) as started:
        launch = LaunchedCommand(photos, tmp_path / "dataset", *started.arguments)
        launch.wait_for_shards(3)
        started.kill_workers(killed)
        done = launch.finish()
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "dataset") == expected


def test_dask_ends_a_job_whose_workers_end_again_and_again(
    photos: Path, expected: dict[str, bytes], slowly: Mapping[str, str], tmp_path: Path
) -> None:
    few = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    with engine("dask", {**slowly, **few}) as started:
        launch = LaunchedCommand(photos, tmp_path / "dataset", "--quiet", *started.arguments)
        launch.wait_for_shards(3)
        started.kill_workers()
        failed = launch.finish()
        assert failed.returncode == 6, failed.stderr
        assert failed.stderr == (
            f"fitfeed convert: the Dask job failed: {LOST_WORKERS}. Nothing was published, and finished shards are kept."
            f" {CONTINUES}\n"
        )
        done = run(photos, tmp_path / "dataset", *started.arguments)
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "dataset") == expected


@pytest.mark.parametrize("kind", JOB_SERVERS)
def test_the_same_command_continues_after_a_killed_worker(
    kind: EngineKind, photos: Path, expected: dict[str, bytes], slowly: Mapping[str, str], tmp_path: Path
) -> None:
    with engine(kind, slowly) as started:
        launch = LaunchedCommand(photos, tmp_path / "dataset", "--quiet", *started.arguments)
        launch.wait_for_shards(3)
        started.kill_workers()
        failed = launch.finish()
    assert failed.returncode == 6, failed.stderr
    assert len(failed.stderr.splitlines()) == 1, failed.stderr
    assert "continues" in failed.stderr
    with engine(kind) as started:
        done = run(photos, tmp_path / "dataset", *started.arguments)
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "dataset") == expected
    (reused,) = re.findall(r"(\d+) shards? of an earlier run", done.stdout)
    assert 3 <= int(reused) < SHARDS


@pytest.mark.parametrize("kind", ENGINE_KINDS)
def test_a_picture_that_crashes_its_decoder_costs_one_file(
    kind: EngineKind, photos: Path, slowly: Mapping[str, str], tmp_path: Path
) -> None:
    crash = photos / "cat" / "crash.png"
    crash.write_bytes((photos / "dog" / "01.png").read_bytes())
    add_fault(crash, "segmentation fault")
    with engine(kind, slowly) as started:
        refused = run(photos, tmp_path / "dataset", "--quiet", *started.arguments)
        assert refused.returncode == 3, refused.stderr
        assert "1 decoder_crash" in refused.stderr
        done = run(photos, tmp_path / "dataset", "--quiet", "--max-bad", "1", *started.arguments)
        assert done.returncode == 0, done.stderr
        if kind == "dask":  # the workers of a pool end with their job
            assert len(started.workers()) == 3
            assert all(map(is_running, started.workers()))
    (line,) = map(json.loads, (tmp_path / "dataset" / "rejects.jsonl").read_text().splitlines())
    assert (line["path"], line["reason"]) == ("cat/crash.png", "decoder_crash")
    assert read_manifest(tmp_path / "dataset").splits["train"].examples == 2 * SHARDS
