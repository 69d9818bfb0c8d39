"""A dataset in a store gives the batches of a local one, bit for bit, and fails as it should."""

import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fitfeed.pipelines import (
    Dataset,
    RandomFlip,
    RandomResizedCrop,
    RandomRotation,
    open_dataset,
)
from fitfeed.pipelines.feed.batch_maker import BatchMaker
from fitfeed.pipelines.options import PipelineOptions
from fitfeed.pipelines.reading.read_ahead import ReadAhead
from fitfeed.schemas.errors import DamagedDatasetError, FeedError, NotFoundError, UsageError
from fitfeed.schemas.storage.open_place import open_place
from tests.pipelines.build_dataset import Format, pickled
from tests.pipelines.far_place import NETWORK, far
from tests.pipelines.feed.test_batch_maker import options

AUGMENT = [RandomResizedCrop(), RandomFlip("horizontal"), RandomRotation(0.1)]


def copy_to_store(folder: Path, address: str) -> str:
    """Puts all files of a dataset into a store of this process."""
    place = open_place(address, "DATASET")
    for path in folder.iterdir():
        place.write(path.name, path.read_bytes())
    return address


def batches(dataset: Dataset, *, start: tuple[int, int] = (0, 0), **given: Any) -> list[dict[str, Any]]:
    """All batches of two epochs from a place on."""
    maker = BatchMaker(dataset, "train", options(output="dict", drop_remainder=False, **given))
    first = start[0] * len(maker.steps) + start[1]
    places = [divmod(number, len(maker.steps)) for number in range(first, 2 * len(maker.steps))]
    return [{name: array.copy() for name, array in maker.make(*place).items()} for place in places]


def assert_same(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> None:
    assert len(ours) == len(theirs) > 0
    for one, other in zip(ours, theirs, strict=True):
        assert list(one) == list(other)
        assert all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("access", ["indexed", "stream"])
@pytest.mark.parametrize("cached", [False, True])
def test_batches_are_those_of_a_local_disk(
    flowers: Dataset, tmp_path: Path, access: str, cached: bool
) -> None:
    cache = tmp_path / "cache" if cached else None
    local = batches(flowers, access=access)
    assert_same(batches(far(flowers.path, cache), access=access), local)
    middle = len(local) // 2 - 4  # in the first epoch, which is finished, and the second one
    resumed = far(flowers.path, cache)  # with a cache, most of it is there now
    assert_same(batches(resumed, access=access, start=(0, middle)), local[middle:])
    if cached:
        assert resumed.traffic.hit_rate > 0.9
    shard = (1, 2)
    assert_same(
        batches(far(flowers.path, cache), access=access, shard=shard),
        batches(flowers, access=access, shard=shard),
    )


@pytest.mark.slow
@pytest.mark.parametrize("raw", [False, True])
def test_worker_processes_get_what_was_read_ahead(flowers: Dataset, thumbnails: Dataset, raw: bool) -> None:
    given: dict[str, Any] = {"processes": 2}
    if raw:  # as stored: the way that copies
        given |= {"augment": [], "image_size": None, "normalize": None, "dtype": "uint8"}
    source = thumbnails if raw else flowers
    dataset = far(source.path)
    ours = batches(dataset, **given)
    assert_same(ours, batches(source, **{**given, "processes": 0}))
    traffic = dataset.traffic  # of this process, which has read all
    assert traffic.bytes_fetched >= 2 * int(source.records("train").index.length.sum())


def test_all_kinds_of_access_of_raw_images(thumbnails: Dataset, tmp_path: Path) -> None:
    given: dict[str, Any] = {"augment": [], "image_size": None, "normalize": None, "dtype": "uint8"}
    for access, cache in itertools.product(("indexed", "stream"), (None, tmp_path)):
        dataset = far(thumbnails.path, cache)
        assert_same(batches(dataset, access=access, **given), batches(thumbnails, access=access, **given))


def test_masks_are_read_ahead_with_their_images(labelled: Callable[[Format], Path]) -> None:
    for format_ in ("tfrecord", "hdf5"):
        folder = labelled(format_)
        local = open_dataset(folder)
        dataset = far(folder)
        split = next(iter(dataset.splits))
        opened = [BatchMaker(each, split, options(output="dict", batch_size=2)) for each in (dataset, local)]
        _ = [maker.make(0, 0) for maker in opened]
        single = [read for read in NETWORK.shard_reads() if read[2]]
        for step in range(2):
            ours, theirs = (maker.make(1, step) for maker in opened)
            assert all(np.array_equal(ours[name], theirs[name]) for name in theirs)
        assert any(name in theirs for name in dataset.manifest.features.label_kinds)
        assert len(single) < 40


def test_a_store_is_opened_by_its_address(flowers: Dataset) -> None:
    address = copy_to_store(flowers.path, "memory://feed-opened/some/flowers")
    dataset = open_dataset(address)
    assert dataset.address == address
    assert repr(dataset).startswith(f"<Dataset {address}: train 53, validation 11; ")
    assert dataset.manifest == flowers.manifest
    with pytest.raises(UsageError, match=r"is in an object store, and has no path of this machine"):
        _ = dataset.path
    ours, theirs = dataset.records("train")[7], flowers.records("train")[7]
    assert all(np.array_equal(ours[name], theirs[name]) for name in theirs)
    assert dataset.index("train").equals(flowers.index("train"))
    assert pickled(dataset.manifest) == dataset.manifest
    numbers = dataset.traffic.to_dict()
    assert numbers["requests"] >= 2
    assert numbers["bytes_fetched"] > 0


def test_what_is_not_a_dataset_is_said(flowers: Dataset) -> None:
    with pytest.raises(NotFoundError, match=r"memory://feed-none/flowers does not exist"):
        open_dataset("memory://feed-none/flowers")
    place = open_place("memory://feed-other/flowers", "DATASET")
    place.write("notes.txt", b"hello")
    with pytest.raises(UsageError, match="is not a fitfeed dataset"):
        open_dataset("memory://feed-other/flowers")
    place.write("train.index.arrow", b"hello")
    with pytest.raises(DamagedDatasetError, match="it is lost, or not copied yet"):
        open_dataset("memory://feed-other/flowers")


@pytest.mark.parametrize(
    ("access", "processes"),
    [("indexed", 0), ("stream", 0), pytest.param("indexed", 2, marks=pytest.mark.slow)],
)
def test_a_dead_network_is_never_a_skipped_example(flowers: Dataset, access: str, processes: int) -> None:
    dataset = far(flowers.path)
    maker = BatchMaker(dataset, "train", options(on_error="skip", access=access, processes=processes))
    maker.make(0, 0)
    NETWORK.is_dead = True
    with pytest.raises(FeedError, match=r"-of-.*cannot be read: the store could not be reached.*11 times"):
        maker.make(5, 0)
    assert dataset.skipped == {"train": 0, "validation": 0}
    NETWORK.is_dead = False
    local = BatchMaker(flowers, "train", options(access=access))
    assert np.array_equal(maker.make(5, 0)["image"], local.make(5, 0)["image"])


def test_damage_in_a_store_is_skipped_as_on_a_disk(own_copy: Callable[[Format], Path]) -> None:
    folder = own_copy("tfrecord")
    local = open_dataset(folder)
    records = local.records("train")
    shard = folder / local.splits["train"].shards[0].file
    content = bytearray(shard.read_bytes())
    content[int(records.index.offset[3]) + 50] ^= 255
    shard.write_bytes(content[:-100])
    dataset = far(folder)
    assert_same(batches(dataset, on_error="skip"), batches(local, on_error="skip"))
    assert dataset.skipped == local.skipped == {"train": 2, "validation": 0}


def test_a_forked_child_cannot_read_a_store_but_a_folder(flowers: Dataset) -> None:
    address = copy_to_store(flowers.path, "memory://feed-forked/flowers")
    stored, unread = open_dataset(address).records("train"), open_dataset(address).records("validation")
    local = flowers.records("train")
    _ = stored[0], local[0]
    for records, expected in ((stored, b"spawn"), (unread, b"spawn"), (local, b"read")):
        read, write = os.pipe()
        child = os.fork()
        if not child:
            try:
                _ = records[1]
                os.write(write, b"read")
            except FeedError as error:
                os.write(write, b"spawn" if 'multiprocessing_context="spawn"' in str(error) else b"other")
            finally:
                os._exit(0)
        os.close(write)
        assert os.waitpid(child, 0)[1] == 0
        with os.fdopen(read, "rb") as answer:
            assert answer.read() == expected


def test_a_copy_in_another_process_uses_the_index_that_is_here(flowers: Dataset) -> None:
    dataset = far(flowers.path)
    _ = dataset.records("train").index
    copy = pickled(dataset)
    _ = copy.records("train").index
    assert copy.traffic.requests == 0
    assert np.array_equal(copy.records("train")[5]["image"], flowers.records("train")[5]["image"])


def test_options_of_a_pipeline_do_not_know_the_store(flowers: Dataset) -> None:
    """So the identity of a run is the same, and it may go on from a copy in a store."""
    assert isinstance(options(), PipelineOptions)
    maker = BatchMaker(far(flowers.path), "train", options())
    assert isinstance(maker._requests, ReadAhead)
    assert not isinstance(BatchMaker(flowers, "train", options())._requests, ReadAhead)
