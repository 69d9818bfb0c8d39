"""Machines that die, disks that fill, files that cannot be read: nothing lost, nothing half-published."""

import errno
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from fitfeed.beam_jobs import convert
from fitfeed.converters.open_source import open_regular
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.reading import local_files
from fitfeed.schemas.errors import ConversionError, IncompleteDatasetError, NotFoundError
from fitfeed.schemas.manifest import read_manifest
from fitfeed.schemas.side_tables import read_pairs, read_sources
from fitfeed.schemas.storage.local import LocalPlace
from tests import without_beam
from tests.folders import contents, job_folder, path_of
from tests.warm_commands import WarmCommand, WarmCommands

OPTIONS = {
    "tfrecord": ConvertOptions(format="tfrecord", encoding="png", size=(64, 64), shards=5),
    "hdf5": ConvertOptions(format="hdf5", encoding="png", size=(64, 64), shards=5),
}
ARGUMENTS = ["--encoding", "png", "--size", "64", "--shards", "5", "--quiet"]


def start(commands: WarmCommands, source: Path, dataset: Path, format_: str) -> WarmCommand:
    """A conversion whose whole process tree is one process group."""
    return commands.start("convert", source, dataset, "--format", format_, *ARGUMENTS)


def kill_at_random_moments(
    start: Callable[[], WarmCommand], dataset: Path, *, kills: int, seconds: float, seed: int
) -> None:
    """Kills conversion after conversion, each continuing where the last one died."""
    chance = random.Random(seed)
    done = 0
    while done < kills:
        process = start()
        time.sleep(chance.uniform(0, seconds))
        process.kill()
        if process.wait() != -signal.SIGKILL:  # it had finished before the blow: begin anew
            assert process.wait() == 0
            shutil.rmtree(dataset)
            continue
        done += 1
        try:
            read_manifest(dataset)
        except (IncompleteDatasetError, NotFoundError):
            continue
        shutil.rmtree(dataset)  # killed between publishing and exiting


def continues_to_the_same_bytes(
    commands: WarmCommands, source: Path, folder: Path, format_: str, *, kills: int, seed: int
) -> None:
    began = time.monotonic()
    assert start(commands, source, folder / "undisturbed", format_).wait() == 0
    seconds = time.monotonic() - began
    again = partial(start, commands, source, folder / "dataset", format_)
    kill_at_random_moments(again, folder / "dataset", kills=kills, seconds=seconds, seed=seed)
    assert again().wait() == 0
    assert contents(folder / "dataset") == contents(folder / "undisturbed")
    assert read_pairs(LocalPlace(folder / "dataset")).batch.equals(
        read_pairs(LocalPlace(folder / "undisturbed")).batch
    )
    assert read_sources(LocalPlace(folder / "dataset")).equals(
        read_sources(LocalPlace(folder / "undisturbed"))
    )


@pytest.mark.slow  # `tests/fitfeed/test_convert_command.py` kills a conversion once, in every run
@pytest.mark.parametrize("format_", ["tfrecord", "hdf5"])
def test_sigkill_at_fifty_moments(
    commands: WarmCommands, clothing: Path, tmp_path: Path, format_: str
) -> None:
    continues_to_the_same_bytes(commands, clothing, tmp_path, format_, kills=50, seed=1)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"needs the right to mount: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("format_", ["tfrecord", "hdf5"])
def test_a_full_disk_is_named_and_the_next_run_continues(
    clothing: Path, tmp_path: Path, small_disk: Path, format_: str
) -> None:
    options = ConvertOptions(format=format_, shards=4)  # type: ignore[arg-type]
    source = clothing / "validation"  # 2.1 MB
    with pytest.raises(ConversionError, match=r"No space left on device.*Nothing was published"):
        convert(source, small_disk / "dataset", options)
    with pytest.raises(IncompleteDatasetError):
        read_manifest(small_disk / "dataset")
    finished = len(list((path_of(job_folder(small_disk / "dataset").root) / "results").iterdir()))
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    conversion = convert(source, small_disk / "dataset", options)
    assert conversion.reused_shards == finished
    without_beam.convert(source, tmp_path / "undisturbed", options)
    assert contents(small_disk / "dataset") == contents(tmp_path / "undisturbed")


@pytest.mark.slow
@pytest.mark.parametrize("format_", ["tfrecord", "hdf5"])
def test_a_quota_on_file_sizes(clothing: Path, tmp_path: Path, format_: str) -> None:
    command = [sys.executable, "-m", "fitfeed", "convert", str(clothing), str(tmp_path / "dataset")]
    command += ["--format", format_, "--shards", "1", "--quiet"]

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    done = subprocess.run(command, preexec_fn=limit, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 1
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "dataset" / "manifest.json").exists()


def test_an_io_error_on_reading_is_an_error_and_not_a_reject(
    clothing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    shutil.copytree(clothing / "test" / "hat", source / "hat")
    shutil.copyfile(next((source / "hat").iterdir()), source / "hat" / "zzz.jpg")

    def failing(path: str) -> int:
        if path.endswith("zzz.jpg"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return open_regular(path)

    monkeypatch.setattr(local_files, "open_regular", failing)
    with pytest.raises(ConversionError, match=r"cannot read .*zzz\.jpg: Input/output error, 3 times"):
        without_beam.convert(source, tmp_path / "dataset", max_bad=1.0)
    assert not (tmp_path / "dataset" / "manifest.json").exists()
    monkeypatch.undo()
    assert without_beam.convert(source, tmp_path / "dataset").manifest.splits["train"].examples == 6


@pytest.mark.slow
def test_a_failing_publication_is_explained_and_continues(
    clothing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    options = ConvertOptions(encoding="raw", size=(8, 8), shards=3)
    monkeypatch.setattr("fitfeed.converters.publishing.split_index.write_index", full)
    with pytest.raises(
        ConversionError, match=r"No space left on device\. Nothing was published.*continues\.$"
    ):
        convert(clothing / "test", tmp_path / "dataset", options)
    monkeypatch.undo()
    assert convert(clothing / "test", tmp_path / "dataset", options).reused_shards == 3
