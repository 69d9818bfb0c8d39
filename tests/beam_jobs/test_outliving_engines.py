"""Jobs on real engines whose commands are interrupted, killed, or leave them; and the same command afterwards, or another."""

import signal
from pathlib import Path

import pytest

from tests.faults import faulty_decoder, held
from tests.folders import contents
from tests.servers.engine_jobs import LaunchedCommand, draw_slow, run
from tests.servers.engines import EngineKind, engine

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def slow_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_slow(tmp_path_factory.mktemp("outliving") / "photos")


@pytest.fixture
def slowly(tmp_path: Path) -> dict[str, str]:
    """What makes workers take a while for each picture."""
    return {"PYTHONPATH": faulty_decoder(tmp_path / "faults")}


def require_same(slow_photos: Path, dataset: Path, tmp_path: Path) -> None:
    assert run(slow_photos, tmp_path / "local").returncode == 0
    assert contents(dataset) == contents(tmp_path / "local")
    assert not (dataset / ".work").exists()


def test_a_job_is_left_and_followed(slow_photos: Path, slowly: dict[str, str], tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    with engine("prism", slowly) as started:  # Dask drops the jobs of clients that have gone
        left = run(slow_photos, dataset, "--detach", *started.arguments)
        assert left.returncode == 0
        assert "job" in left.stdout
        assert left.stdout.count("\n") == 1
        followed = run(slow_photos, dataset, *started.arguments)
    assert followed.returncode == 0
    assert "following it" in followed.stderr
    assert "is complete" in followed.stdout
    require_same(slow_photos, dataset, tmp_path)


def test_a_job_whose_command_was_killed_is_followed(
    slow_photos: Path, slowly: dict[str, str], tmp_path: Path
) -> None:
    dataset = tmp_path / "dataset"
    with engine("prism", slowly) as started:
        killed = LaunchedCommand(slow_photos, dataset, *started.arguments)
        killed.wait_for_shards(1)
        killed.process.kill()
        killed.finish()
        followed = run(slow_photos, dataset, *started.arguments)
    assert followed.returncode == 0
    require_same(slow_photos, dataset, tmp_path)


@pytest.mark.parametrize("kind", ["prism", "dask"])
def test_an_interrupted_job_is_cancelled(
    kind: EngineKind, slow_photos: Path, slowly: dict[str, str], tmp_path: Path
) -> None:
    dataset = tmp_path / "dataset"
    with engine(kind, slowly) as started:
        launch = LaunchedCommand(slow_photos, dataset, *started.arguments)
        launch.wait_for_shards(1)
        launch.process.send_signal(signal.SIGTERM)
        ended = launch.finish()
        assert ended.returncode == 130
        assert "was cancelled. The same command continues" in ended.stderr
        again = run(slow_photos, dataset, *started.arguments)
    assert again.returncode == 0
    require_same(slow_photos, dataset, tmp_path)


@pytest.mark.parametrize("kind", ["prism", "dask"])
def test_another_job_into_the_dataset_is_refused(
    kind: EngineKind, slow_photos: Path, slowly: dict[str, str], tmp_path: Path
) -> None:
    dataset = tmp_path / "dataset"
    with engine(kind, slowly) as started:
        first = LaunchedCommand(slow_photos, dataset, "--quiet", *started.arguments)
        first.wait_for_shards(1)
        with held(tmp_path / "faults"):
            other = run(slow_photos, dataset, "--fit", "cover", "--quiet", *started.arguments)
        ended = first.finish()
    assert other.returncode == 2
    assert other.stderr == (
        f"fitfeed convert: another conversion into {dataset} is running. Wait for it, or choose another folder.\n"
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    require_same(slow_photos, dataset, tmp_path)


def test_another_job_is_refused_while_one_runs_whose_command_was_killed(
    slow_photos: Path, slowly: dict[str, str], tmp_path: Path
) -> None:
    dataset = tmp_path / "dataset"
    with engine("prism", slowly) as started:
        killed = LaunchedCommand(slow_photos, dataset, *started.arguments)
        killed.wait_for_shards(1)
        killed.process.kill()
        killed.finish()
        with held(tmp_path / "faults"):
            other = run(slow_photos, dataset, "--fit", "cover", "--quiet", *started.arguments)
        assert other.returncode == 2, other.stderr
        assert f"another conversion into {dataset} is running: portable job" in other.stderr
        assert other.stderr.count("\n") == 1
        followed = run(slow_photos, dataset, *started.arguments)
    assert followed.returncode == 0, followed.stderr
    require_same(slow_photos, dataset, tmp_path)
