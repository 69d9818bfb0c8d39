"""The files of a dataset, by where they are and whether there is a cache."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fitfeed.pipelines import Dataset, open_dataset
from fitfeed.pipelines.reading.cache_options import CacheOptions, cache_options
from fitfeed.pipelines.reading.fetched_shards import FetchedShards
from fitfeed.pipelines.reading.shard_files import ShardFiles
from fitfeed.schemas.errors import DamagedDatasetError, UsageError
from tests.pipelines.build_dataset import Format, pickled
from tests.pipelines.far_place import far
from tests.unsettled import settle, unsettle


def test_local_shards_are_read_as_ever(flowers: Dataset) -> None:
    files = flowers._files
    assert isinstance(files.shards(flowers.splits["train"].shards), ShardFiles)
    assert not files.are_far
    _ = flowers.records("train")[0]
    assert flowers.traffic.requests == 0


def test_a_cache_is_of_use_for_a_slow_drive_too(flowers: Dataset, tmp_path: Path) -> None:
    dataset = open_dataset(flowers.path, cache=tmp_path / "cache", cache_size="10 MiB")
    assert isinstance(dataset._files.shards(dataset.splits["train"].shards), FetchedShards)
    for _ in range(2):
        assert (dataset.records("train")[3]["image"] == flowers.records("train")[3]["image"]).all()
    assert dataset.traffic.bytes_from_cache > 0
    copy = pickled(dataset)
    _ = copy.records("train")[3]
    assert (copy.traffic.requests, copy.traffic.hit_rate) == (0, 1.0)


def test_an_index_that_contradicts_the_manifest_is_refused(own_copy: Callable[[Format], Path]) -> None:
    dataset = far(own_copy("tfrecord"))
    split = dataset.splits["train"]
    other = split.model_copy(update={"examples": split.examples - 1})
    manifest = dataset.manifest.model_copy(update={"splits": {**dataset.splits, "train": other}})
    with pytest.raises(DamagedDatasetError, match=r"far:/.*has 53 rows, but the manifest says 52"):
        dataset._files.open_index(manifest, "train")


@pytest.mark.parametrize("open_it", [open_dataset, far])
def test_an_append_may_settle_before_an_index_is_read(
    own_copy: Callable[[Format], Path], open_it: Callable[[Path], Dataset]
) -> None:
    folder = own_copy("tfrecord")
    expected = open_dataset(folder).index("train")
    unsettle(folder)
    dataset, unused = open_it(folder), open_it(folder)
    settle(folder)
    for opened in (dataset, pickled(unused)):
        assert opened.index("train").equals(expected)
        assert opened.records(["train", "validation"])[63]["key"]


@pytest.mark.parametrize("open_it", [open_dataset, far])
def test_a_dataset_that_is_another_one_by_now_is_not_called_damaged(
    own_copy: Callable[[Format], Path], open_it: Callable[[Path], Dataset]
) -> None:
    folder, other = own_copy("tfrecord"), own_copy("hdf5")
    dataset = open_it(folder)
    for name in ("manifest.json", "train.index.arrow"):
        (folder / name).unlink()
    shutil.copyfile(other / "manifest.json", folder / "manifest.json")
    with pytest.raises(DamagedDatasetError, match="was appended to or replaced since it was opened"):
        dataset.index("train")


def test_a_cache_that_cannot_be_made_is_a_wrong_option(flowers: Dataset, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match=r"cache='.*file/below'. Name a folder"):
        open_dataset(flowers.path, cache=tmp_path / "file" / "below")


def test_options_of_the_cache(tmp_path: Path) -> None:
    assert cache_options(None, None) is None
    assert cache_options(str(tmp_path), None) == CacheOptions(tmp_path, None)
    assert cache_options(tmp_path, "100GB") == CacheOptions(tmp_path, 100 * 10**9)
    assert cache_options(tmp_path, 1 << 20) == CacheOptions(tmp_path, 1 << 20)
    with pytest.raises(UsageError, match=r"cache_size limits the folder cache=, which is not given"):
        cache_options(None, "1GB")
    for wrong in ("many", "-5GB", 10, "", True, 1.5):
        with pytest.raises(UsageError, match=r"cache_size expects a number of bytes, such as '100GB'"):
            cache_options(tmp_path, wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="cache gs://bucket/cache is an address"):
        cache_options("gs://bucket/cache", None)
