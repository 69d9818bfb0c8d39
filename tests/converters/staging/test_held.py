"""What is found before files are moved into place, in a folder and in a store."""

from pathlib import Path

import pytest

from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.held import Held, find_held, require_staged
from fitfeed.schemas.manifest import MANIFEST_NAME
from fitfeed.schemas.manifest_parts import File
from fitfeed.schemas.storage.place import Place
from tests.schemas.storage.places import local_place, memory_place

LISTS, SHARD = "rejects.jsonl", "train-00000-of-00001.tfrecord"


def entry(name: str, size: int) -> File:
    return File(file=name, bytes=size, sha256="0" * 64)


def job_of(dataset: Place) -> WorkFolder:
    work = WorkFolder(dataset, "job")
    work.begin()
    work.root.write(LISTS, b"12")
    work.shards.write(SHARD, b"123")
    return work


def test_files_of_a_store_and_of_the_job_are_listed() -> None:
    dataset = memory_place()
    dataset.write(SHARD, b"old")
    held = find_held(job_of(dataset))
    assert held.files is not None
    assert {name for name in held.files if "/" not in name} == {SHARD}
    assert (held.staged[LISTS], held.staged[f"shards/{SHARD}"]) == (2, 3)
    assert held.may_have(SHARD, MANIFEST_NAME)
    assert not held.may_have(MANIFEST_NAME)


def test_in_a_folder_anything_may_be_there(tmp_path: Path) -> None:
    held = find_held(job_of(local_place(tmp_path)))
    assert held.files is None
    assert held.staged[f"shards/{SHARD}"] == 3
    assert held.may_have(MANIFEST_NAME)


def test_only_what_will_be_moved_is_compared() -> None:
    work = job_of(memory_place())
    staged = find_held(work).staged
    require_staged(work, [entry(SHARD, 3)], staged)
    require_staged(work, [entry("in-place.already", 9)], staged)
    with pytest.raises(
        OSError, match=r"4 bytes were put, and the object has 3.*is broken.*shards/train-00000"
    ):
        require_staged(work, [entry(SHARD, 4)], staged)


def test_a_disk_has_what_was_written(tmp_path: Path) -> None:
    work = job_of(local_place(tmp_path))
    require_staged(work, [entry(SHARD, 4)], Held(None, {f"shards/{SHARD}": 3}).staged)
