"""Cached blocks: only what was written whole is read, whoever is killed, and the folder keeps its size."""

import errno
import logging
import os
import signal
import time
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from fitfeed.pipelines.reading import block_cache
from fitfeed.pipelines.reading.block_cache import BLOCK, IDLE_S, BlockCache, CachedFile
from tests.waiting import wait_until

SIZE = 5 * BLOCK + 1000
NAME = "a" * 64
CONTENT = np.random.default_rng(1).integers(0, 256, SIZE, np.uint8).tobytes()


def fill(file: CachedFile, first: int, stop: int) -> None:
    file.add(first * BLOCK, memoryview(CONTENT)[first * BLOCK : stop * BLOCK])


def read(file: CachedFile, offset: int, length: int) -> bytes | None:
    memory = bytearray(length)
    return bytes(memory) if file.read_into(offset, memoryview(memory)) else None


def test_what_was_added_is_read_by_others_and_later(tmp_path: Path) -> None:
    cache = BlockCache(tmp_path / "made" / "here", None)
    one, other = cache.file(NAME, SIZE), cache.file(NAME, SIZE)
    assert read(other, 0, 10) is None
    fill(one, 1, 3)
    fill(one, 5, 6)
    for file in (one, other, cache.file(NAME, SIZE)):
        for offset, length in (
            (BLOCK, 2 * BLOCK),
            (BLOCK + 7, 10),
            (2 * BLOCK - 5, 10),
            (5 * BLOCK + 1, 999),
        ):
            assert read(file, offset, length) == CONTENT[offset : offset + length]
        for offset, length in ((0, 1), (BLOCK - 1, 2), (3 * BLOCK - 1, 2), (4 * BLOCK, BLOCK + 1)):
            assert read(file, offset, length) is None
    assert one._path.stat().st_blocks * 512 < 4 * BLOCK  # sparse


def test_what_is_missing_is_whole_blocks(tmp_path: Path) -> None:
    file = BlockCache(tmp_path, None).file(NAME, SIZE)
    assert file.missing(10, 5) == (0, BLOCK)
    assert file.missing(BLOCK - 1, 2) == (0, 2 * BLOCK)
    assert file.missing(5 * BLOCK - 1, 2) == (4 * BLOCK, SIZE)
    fill(file, 1, 2)
    assert file.missing(10, 2 * BLOCK) == (0, 3 * BLOCK)
    assert file.missing(BLOCK + 1, BLOCK) == (2 * BLOCK, 3 * BLOCK)


@pytest.mark.parametrize("where", [0, 1000, BLOCK - 1])
def test_a_damaged_block_is_found_and_fetched_again(tmp_path: Path, where: int) -> None:
    fill(BlockCache(tmp_path, None).file(NAME, SIZE), 0, 6)
    path = tmp_path / f"{NAME}.blocks"
    with path.open("r+b") as stream:
        stream.seek(2 * BLOCK + where)
        stream.write(bytes([CONTENT[2 * BLOCK + where] ^ 1]))
    file = BlockCache(tmp_path, None).file(NAME, SIZE)
    assert read(file, BLOCK, BLOCK) is not None
    assert read(file, 2 * BLOCK + 5, 10) is None
    assert file.missing(2 * BLOCK + 5, 10) == (2 * BLOCK, 3 * BLOCK)
    fill(file, 2, 3)
    assert read(file, 0, SIZE) == CONTENT


@pytest.mark.parametrize("length", [0, 10, BLOCK, SIZE])
def test_a_file_of_another_size_is_made_anew(tmp_path: Path, length: int) -> None:
    (tmp_path / f"{NAME}.blocks").write_bytes(CONTENT[:length])
    file = BlockCache(tmp_path, None).file(NAME, SIZE)
    assert read(file, 0, 1) is None
    fill(file, 0, 1)
    assert read(file, 0, 100) == CONTENT[:100]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(b"1")
    (tmp_path / f"{NAME}.blocks").symlink_to(tmp_path / "precious")
    with pytest.raises(OSError, match="symbolic links"):
        BlockCache(tmp_path, None).file(NAME, SIZE)
    assert (tmp_path / "precious").read_bytes() == b"1"


def _fill_for_ever(folder: str) -> None:
    file = BlockCache(Path(folder), None).file(NAME, SIZE)
    while True:
        for block in range(6):
            fill(file, block, block + 1)


@pytest.mark.slow
def test_killed_writers_leave_nothing_wrong(tmp_path: Path) -> None:
    for moment in range(10):
        process = get_context("spawn").Process(target=_fill_for_ever, args=(str(tmp_path),))
        process.start()
        path = tmp_path / f"{NAME}.blocks"
        wait_until(path.exists)
        time.sleep(0.003 * moment)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        file = BlockCache(tmp_path, None).file(NAME, SIZE)
        for block in range(6):
            expected = CONTENT[block * BLOCK : (block + 1) * BLOCK]
            assert read(file, block * BLOCK, len(expected)) in (None, expected)
        path.unlink()


def aged(folder: Path, name: str, blocks: int, age_s: float) -> Path:
    path = folder / name
    path.write_bytes(b"x" * blocks * BLOCK)
    os.utime(path, (time.time() - age_s,) * 2)
    return path


def test_the_least_recently_used_go_first_and_what_is_in_use_stays(tmp_path: Path) -> None:
    oldest = aged(tmp_path, "0" * 64 + ".blocks", 4, 3 * IDLE_S)
    older = aged(tmp_path, "1" * 64 + ".index", 4, 2 * IDLE_S)
    used = aged(tmp_path, "2" * 64 + ".blocks", 4, IDLE_S / 2)
    foreign = aged(tmp_path, "notes.txt", 4, 9 * IDLE_S)
    cache = BlockCache(tmp_path, 12 * BLOCK)
    assert cache.takes(BLOCK)
    assert not oldest.exists()
    assert older.exists()
    assert used.exists()
    assert foreign.exists()
    taken = 1
    while cache.takes(BLOCK):
        taken += 1
        aged(tmp_path, f"{taken:064x}.blocks", 1, 0)
        assert taken < 30
    assert not older.exists()
    assert used.exists()
    cached = [path.stat().st_blocks * 512 for path in tmp_path.iterdir() if path != foreign]
    assert 10 * BLOCK <= sum(cached) <= 12 * BLOCK


def test_a_full_cache_looks_again_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = aged(tmp_path, "0" * 64 + ".blocks", 4, 0)
    cache = BlockCache(tmp_path, 4 * BLOCK)
    assert not cache.takes(BLOCK)
    full.unlink()
    assert not cache.takes(BLOCK)  # so that not each read lists the folder
    monkeypatch.setattr(block_cache, "SCAN_S", 0.0)
    assert cache.takes(BLOCK)


def test_a_file_that_was_deleted_is_known(tmp_path: Path) -> None:
    file = BlockCache(tmp_path, None).file(NAME, SIZE)
    fill(file, 0, 1)
    known = [file.is_deleted]
    (tmp_path / f"{NAME}.blocks").unlink()
    known.append(file.is_deleted)
    assert known == [False, True]
    assert read(file, 0, 10) == CONTENT[:10]


def test_use_is_noted_so_that_others_do_not_delete_it(tmp_path: Path) -> None:
    cache = BlockCache(tmp_path, None)
    fill(cache.file(NAME, SIZE), 0, 1)
    path = tmp_path / f"{NAME}.blocks"
    os.utime(path, (0, 0))
    assert read(cache.file(NAME, SIZE), 0, 10) is not None
    assert time.time() - path.stat().st_mtime < 60


def test_a_cache_that_cannot_be_written_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = BlockCache(tmp_path, None)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            cache.fail(OSError(errno.ENOSPC, "No space left on device"))
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert f"the cache {tmp_path} cannot be written (No space left on device)" in caplog.text
    assert not cache.takes(1)
