"""Files that do not open: damaged, being written, left by a dead writer, or a part of something."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from fitfeed.converters.inspect import inspect_file
from fitfeed.converters.inspect.hdf5 import inspect_hdf5
from fitfeed.schemas.errors import DamagedDatasetError, UsageError

WRITER = """
import h5py, sys
kind, path = sys.argv[1:]
file = h5py.File(path, "w", libver=None if kind == "unflushed" else "latest")
made = file.create_dataset("labels", (0,), maxshape=(None,), dtype="i4", chunks=(10,))
if kind == "swmr":
    file.swmr_mode = True
made.resize((50,))
made[:] = range(50)
if kind != "unflushed":
    made.flush()
    file.flush()
print("ready", flush=True)
sys.stdin.read()
"""


def abandoned(path: Path, kind: str) -> None:
    """Writes a file whose writer dies before it closes it."""
    with writing(path, kind) as process:
        process.kill()
        process.wait()


def writing(path: Path, kind: str) -> subprocess.Popen[str]:
    """A process that has the file open for writing, until its standard input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, kind, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Files of writers that died."""
    folder = tmp_path_factory.mktemp("left")
    paths = {kind: folder / f"{kind}.h5" for kind in ("swmr", "latest", "unflushed")}
    for kind, path in paths.items():
        abandoned(path, kind)
    return paths


def test_a_file_under_swmr_says_how_to_read_and_to_mend_it(left: dict[str, Path]) -> None:
    with pytest.raises(UsageError, match=r"under SWMR.*swmr=True.*h5clear --status"):
        inspect_hdf5(left["swmr"])
    with h5py.File(left["swmr"], "r", swmr=True, locking=False) as file:
        assert file["labels"][49] == 49


def test_a_file_that_was_not_closed_says_how_to_mend_it(left: dict[str, Path]) -> None:
    with pytest.raises(UsageError, match=r"was not closed by the program that wrote it.*h5clear --status"):
        inspect_hdf5(left["latest"])


def test_a_file_that_is_being_written_is_not_damaged(left: dict[str, Path]) -> None:
    for path in (left["latest"], left["unflushed"]):
        with path.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            with pytest.raises(UsageError, match="is being written"):
                inspect_hdf5(path)


def test_what_was_never_written_to_the_disk_is_lost(left: dict[str, Path]) -> None:
    with pytest.raises(DamagedDatasetError, match="not closed by the program that wrote it"):
        inspect_hdf5(left["unflushed"])


def test_looking_takes_no_lock_from_a_writer(left: dict[str, Path]) -> None:
    with pytest.raises(UsageError):
        inspect_hdf5(left["swmr"])
    with left["swmr"].open("rb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize("name", ["data_%d.h5", "run2_%05d.h5", "part%d"])
@pytest.mark.parametrize("member", [0, 1, 3])
def test_members_of_a_family(tmp_path: Path, name: str, member: int) -> None:
    whole = tmp_path / name
    with h5py.File(whole, "w", driver="family", memb_size=2048) as file:
        file["x"] = np.arange(1000)
    with pytest.raises(UsageError, match="is a member of an HDF5 family of files of 2,048 bytes") as raised:
        inspect_file(Path(str(whole) % member))
    code = str(raised.value).partition("all of them: ")[2].partition(". Or")[0]
    names: dict[str, Any] = {"h5py": h5py}
    exec(f"file = {code}", names)
    assert names["file"]["x"][999] == 999
    names["file"].close()


def test_a_split_file(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a", "w", driver="split") as file:
        file["x"] = np.arange(1000)
    with pytest.raises(UsageError, match="the metadata part of a split HDF5 file"):
        inspect_hdf5(tmp_path / "a-m.h5")


def test_a_file_that_is_cut_off_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a_1.h5"
    with h5py.File(path, "w") as file:
        file["x"] = np.arange(1000)
    os.truncate(path, 3000)
    with pytest.raises(DamagedDatasetError, match="Restore the file from its source"):
        inspect_hdf5(path)


@pytest.mark.parametrize("place", [9, 10], ids=["size_of_offsets", "size_of_lengths"])
@pytest.mark.parametrize("kind", ["swmr", "latest"])
def test_a_superblock_with_impossible_sizes_has_an_answer(
    left: dict[str, Path], kind: str, place: int, tmp_path: Path
) -> None:
    content = bytearray(left[kind].read_bytes())
    content[place] = 9
    path = tmp_path / "changed.h5"
    path.write_bytes(content)
    with pytest.raises((DamagedDatasetError, UsageError), match=r"changed\.h5"):
        inspect_file(path)
