"""Copies of indexes: fetched once, checked each time, and gone with the dataset unless there is a cache."""

import gc
from collections.abc import Callable
from pathlib import Path

import pytest

from fitfeed.pipelines import Dataset
from fitfeed.pipelines.reading import index_copies
from fitfeed.pipelines.reading.index_copies import IndexCopies
from fitfeed.pipelines.reading.traffic import TrafficCounter
from fitfeed.schemas.errors import DamagedDatasetError, FeedError
from tests.pipelines.build_dataset import Format
from tests.pipelines.far_place import NETWORK, FarPlace, far


def copies(folder: Path, keep: Path | None = None, other: Path | None = None) -> IndexCopies:
    return IndexCopies(FarPlace(folder), TrafficCounter(), keep=keep, other=other)


def test_a_copy_is_fetched_in_parts_and_kept(
    flowers: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_copies, "PART", 1000)
    entry = flowers.splits["train"].index
    path = copies(flowers.path, tmp_path).get(entry)
    assert path == tmp_path / f"{entry.sha256}.index"
    assert path.read_bytes() == (flowers.path / entry.file).read_bytes()
    assert list(tmp_path.iterdir()) == [path]
    assert len(NETWORK.reads) == 1 + -(-entry.bytes // 1000)
    NETWORK.is_dead = True
    assert copies(flowers.path, tmp_path).get(entry) == path
    assert copies(flowers.path, None, tmp_path).get(entry) == path


def test_a_copy_that_was_damaged_is_fetched_again(flowers: Dataset, tmp_path: Path) -> None:
    entry = flowers.splits["train"].index
    path = copies(flowers.path, tmp_path).get(entry)
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"x")
    assert copies(flowers.path, tmp_path).get(entry).read_bytes() == content


def test_a_temporary_copy_goes_with_the_dataset(flowers: Dataset) -> None:
    dataset = far(flowers.path)
    assert len(dataset.records("train").index) == 53
    folder = dataset._files._copies.folder
    assert folder is not None
    assert folder.is_dir()
    del dataset
    gc.collect()
    assert not folder.exists()


def test_an_index_that_is_not_what_was_published_is_refused(own_copy: Callable[[Format], Path]) -> None:
    folder = own_copy("tfrecord")
    dataset = far(folder)
    path = folder / dataset.splits["train"].index.file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedDatasetError, match=r"far:/.*its SHA-256 differs"):
        _ = dataset.records("train").index
    path.write_bytes(content[:-100])
    with pytest.raises(DamagedDatasetError, match=r"its SHA-256 differs"):
        _ = dataset.records("train").index
    path.unlink()
    with pytest.raises(DamagedDatasetError, match=r"train.index.arrow is missing"):
        _ = dataset.records("train").index


def test_a_dead_network_and_a_full_disk_are_said(flowers: Dataset, tmp_path: Path) -> None:
    dataset = far(flowers.path)
    NETWORK.is_dead = True
    with pytest.raises(FeedError, match=r"train.index.arrow cannot be read: the store could not be reached"):
        _ = dataset.records("train").index
    NETWORK.is_dead = False
    with pytest.raises(FeedError, match=r"cannot be copied to this machine: .*Make room, or pass"):
        copies(flowers.path, tmp_path / "not" / "there").get(flowers.splits["train"].index)
