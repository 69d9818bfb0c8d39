"""What Beam makes for a pipeline of ours goes, and what it makes for those of others stays."""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms import environments

from fitfeed.beam_jobs.engines.temporary_folders import staging_folders_removed


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Path]:
    """Has Beam make a folder as for a job, and returns it."""
    folders = []

    def resources(_: PipelineOptions, folder: str, **__: Any) -> list[Any]:
        (Path(folder) / "package.tar.gz").write_bytes(b"package")
        folders.append(Path(folder))
        return []

    monkeypatch.setattr("apache_beam.runners.portability.stager.Stager.create_job_resources", resources)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def stage() -> Path:
        environments.EmbeddedPythonEnvironment.from_options(PipelineOptions([]))
        return folders[-1]

    return stage


def in_another_thread(work: Callable[[], Path]) -> Path:
    found: list[Path] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


def test_folders_of_a_job_are_removed_after_it_was_staged(stage: Callable[[], Path]) -> None:
    with staging_folders_removed():
        first, second = stage(), stage()
        assert first != second
        assert first.is_dir()
        assert second.is_dir()
    assert not first.exists()
    assert not second.exists()
    assert stage().is_dir()  # Beam's own behavior, as before


def test_what_another_thread_stages_meanwhile_stays(stage: Callable[[], Path]) -> None:
    with staging_folders_removed():
        theirs = in_another_thread(stage)
    assert theirs.is_dir()


def test_a_folder_that_was_given_is_used_and_stays(tmp_path: Path, stage: Callable[[], Path]) -> None:
    del stage  # which Beam calls
    (tmp_path / "given").mkdir()
    with staging_folders_removed():
        environments.python_sdk_dependencies(PipelineOptions([]), str(tmp_path / "given"))
    assert [*(tmp_path / "given").iterdir()]


@pytest.mark.parametrize("first_leaves_first", [True, False])
def test_blocks_of_threads_overlap_in_any_order(first_leaves_first: bool, stage: Callable[[], Path]) -> None:
    original = environments.python_sdk_dependencies
    entered, left = threading.Event(), threading.Event()

    def other() -> Path:
        with staging_folders_removed():
            folder = stage()
            entered.set()
            left.wait()
            assert folder.is_dir()
        return folder

    found: list[Path] = []
    thread = threading.Thread(target=lambda: found.append(other()))
    with ExitStack() as block:
        block.enter_context(staging_folders_removed())
        ours = stage()
        thread.start()
        entered.wait()
        if first_leaves_first:
            block.close()
            assert not ours.exists()
        left.set()
        thread.join()
        if not first_leaves_first:
            assert ours.is_dir()
            assert not stage().samefile(ours)
    assert not ours.exists()
    assert not found[0].exists()
    assert environments.python_sdk_dependencies is original


def test_a_replacement_by_somebody_else_is_left(
    stage: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    with staging_folders_removed():
        inner = environments.python_sdk_dependencies

        def theirs(*arguments: Any) -> Any:
            calls.append(arguments)
            return inner(*arguments)

        monkeypatch.setattr(environments, "python_sdk_dependencies", theirs)
        ours = stage()
    assert not ours.exists()
    assert environments.python_sdk_dependencies is theirs
    assert stage().is_dir()
    assert len(calls) == 2
