"""Process pools in which each process writes tar files of its own, and the floor, which writes nothing."""

import io
import multiprocessing
import tarfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks import floors
from benchmarks.packers.task import Task, transcode

SHARD_IMAGES = 1000
"""Images in a tar file: some tens of megabytes, within what img2dataset and WebDataset advise."""

CHUNK = 16
"""Files per task of the floor's pool."""

Piece = tuple[int, list[tuple[str, int]]]
"""Number of a tar file, and what goes into it."""


def floor(task: Task) -> int:
    """Reads, decodes, shrinks and encodes, and throws the result away."""
    paths = [Path(path) for path, _ in task.files()]
    with multiprocessing.Pool(task.workers) as pool:
        return sum(1 for _ in pool.imap_unordered(floors.transcode_file, paths, chunksize=CHUNK))


def img2dataset_style(task: Task) -> int:
    """The loop at the heart of img2dataset: a pool, a tar file per task."""
    return _in_pool(task, _write_tar)


def webdataset(task: Task) -> int:
    """WebDataset: a `ShardWriter` in each process of a pool."""
    import webdataset  # noqa: F401  once, before the pool forks

    return _in_pool(task, _write_shard)


def _in_pool(task: Task, write: Callable[[Path, Piece], int]) -> int:
    task.target.mkdir()
    files = task.files()
    # At least two rounds of pieces per process, so that no process is left alone at the end.
    size = min(SHARD_IMAGES, max(1, len(files) // (4 * task.workers)))
    pieces = [
        (number, files[start : start + size]) for number, start in enumerate(range(0, len(files), size))
    ]
    with multiprocessing.Pool(task.workers) as pool:
        return sum(pool.imap_unordered(partial(write, task.target), pieces))


def _write_tar(target: Path, piece: Piece) -> int:
    number, files = piece
    with tarfile.open(target / f"{number:05d}.tar", "w") as tar:
        for place, (path, label) in enumerate(files):
            for extension, content in (("jpg", transcode(path)), ("cls", str(label).encode())):
                entry = tarfile.TarInfo(f"{number:05d}{place:04d}.{extension}")
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
    return len(files)


def _write_shard(target: Path, piece: Piece) -> int:
    import webdataset as wds

    number, files = piece
    with wds.ShardWriter(str(target / f"{number:05d}-%02d.tar"), verbose=0) as sink:
        for place, (path, label) in enumerate(files):
            sink.write({"__key__": f"{number:05d}{place:04d}", "jpg": transcode(path), "cls": label})
    return len(files)
