"""Batches that worker processes fill: the same as those of threads, and no process outlives its use."""

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import tensorflow as tf

from fitfeed.pipelines import (
    CutMix,
    Dataset,
    MixUp,
    RandomBrightness,
    RandomFlip,
    RandomResizedCrop,
    make_pipeline,
    open_dataset,
)
from fitfeed.pipelines.augment.compiler.program import Program
from fitfeed.pipelines.batches.normalize import Normalizer
from fitfeed.pipelines.batches.workers.process_pool import MIN_BLOCK, batches_at_once
from fitfeed.schemas.errors import DamagedDatasetError, DamagedExampleError, UsageError
from tests.pipelines import functions
from tests.pipelines.build_dataset import Format, build_dataset, raw
from tests.pipelines.image_loading import Loading

ALL = np.arange(53)
AUGMENT = [RandomResizedCrop(), RandomFlip("horizontal")]


def loader(dataset: Dataset, *functions_: Any, processes: int = 2, **options: Any) -> Loading:
    program = Program([*AUGMENT, *functions_], image_size=(20, 30), seed=1)
    dtype = options.pop("dtype", "uint8")
    normalizer = None if dtype == "uint8" else Normalizer("zscore", dataset.statistics, dtype=dtype)
    return Loading(dataset, program, normalizer, dtype=dtype, processes=processes, **options)


def batches(dataset: Dataset | Path, **options: Any) -> list[dict[str, Any]]:
    """All batches of two epochs: of bytes, as the worker processes start without LLVM then."""
    settings: dict[str, Any] = {"batch_size": 8, "image_size": (16, 20), "output": "dict", "augment": AUGMENT}
    settings |= {"normalize": None, "dtype": "uint8"}
    pipeline = make_pipeline(dataset, "train", **{**settings, **options})
    return [{name: tensor.numpy() for name, tensor in batch.items()} for batch in pipeline.repeat(2)]


def assert_same(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> None:
    assert len(ours) == len(theirs) > 0
    for a, b in zip(ours, theirs, strict=True):
        assert a.keys() == b.keys()
        assert all(np.array_equal(a[name], b[name]) for name in a)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("format_", "options"), [("tfrecord", {"normalize": "zscore", "dtype": "float32"}), ("hdf5", {})]
)
def test_the_same_batches_as_with_threads(
    encoded_datasets: dict[Format, Dataset], format_: Format, options: dict[str, Any]
) -> None:
    options = {**options, "drop_remainder": False, "augment": [*AUGMENT, functions.mirror], "start": (3, 2)}
    ours = batches(encoded_datasets[format_], processes=2, **options)
    assert_same(ours, batches(encoded_datasets[format_], **options))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_floats_of_16_bits(flowers: Dataset, dtype: str) -> None:
    kind = tf.as_dtype(dtype).as_numpy_dtype
    in_processes = loader(flowers, dtype=kind, processes=1).load(1, ALL)
    in_threads = loader(flowers, dtype=kind, processes=0).load(1, ALL)
    assert np.array_equal(in_processes.view(np.uint16), in_threads.view(np.uint16))


@pytest.mark.parametrize("format_", ["tfrecord", pytest.param("hdf5", marks=pytest.mark.slow)])
def test_raw_images_as_they_are(raw_datasets: dict[Format, Dataset], format_: Format) -> None:
    options: dict[str, Any] = {"image_size": None, "augment": [], "batch_size": 40, "drop_remainder": False}
    ours = batches(raw_datasets[format_], processes=2, **options)
    assert_same(ours, batches(raw_datasets[format_], **options))


@pytest.mark.slow
@pytest.mark.parametrize("mix", [[MixUp(0.4)], [MixUp(0.4), CutMix()]])
def test_mixed_batches(flowers: Dataset, mix: list[Any]) -> None:
    options: dict[str, Any] = {"augment": [*AUGMENT, *mix], "drop_remainder": False}
    assert_same(batches(flowers, processes=2, **options), batches(flowers, **options))


@pytest.mark.slow
@pytest.mark.parametrize(
    "changed",
    [
        {"dtype": "uint16"},
        {"augment": [RandomFlip()], "normalize": "zscore", "dtype": "float32"},
    ],
)
def test_images_of_16_bits(tmp_path: Path, changed: dict[str, Any]) -> None:
    values = np.random.default_rng(1).integers(0, 1 << 16, (20, 12, 10, 3)).astype(np.uint16)
    split = [raw(f"class{i % 3}/{i}", i % 3, pixels) for i, pixels in enumerate(values)]
    dataset = open_dataset(build_dataset(tmp_path / "d", {"train": split}, is_raw=True))
    options = {"image_size": None, "augment": [], **changed}
    assert_same(batches(dataset, processes=1, **options), batches(dataset, **options))


@pytest.mark.slow
def test_what_a_device_does_is_not_done_in_workers(flowers: Dataset) -> None:
    options: dict[str, Any] = {"augment": [*AUGMENT, RandomBrightness(0.3), MixUp()], "augment_on": "device"}
    assert_same(batches(flowers, processes=1, **options), batches(flowers, **options))


def test_masks(labelled: Callable[[str], Path]) -> None:
    dataset = open_dataset(labelled("tfrecord"))
    options: dict[str, Any] = {"batch_size": 4, "augment": AUGMENT}
    assert_same(batches(dataset, processes=1, **options), batches(dataset, **options))


def test_workers_do_not_draw_the_same_numbers(flowers: Dataset) -> None:
    """Although all are forked from one process, which has drawn nothing."""
    colors = loader(flowers, functions.draw).load(0, ALL)[:, 0, 0]
    assert len({tuple(color) for color in colors.tolist()}) == len(colors)


@pytest.mark.slow
def test_several_batches_at_once_in_more_processes_than_blocks(flowers: Dataset) -> None:
    ours, theirs = loader(flowers, processes=5), loader(flowers, processes=0)
    expected = [theirs.load(epoch, ALL) for epoch in range(12)]
    with ThreadPoolExecutor(4) as pool:
        for epoch, loaded in enumerate(pool.map(lambda epoch: ours.load(epoch, ALL), range(12))):
            assert np.array_equal(loaded, expected[epoch])
    assert len(ours.pids) == 5


def damage(path: Path, rows: list[int]) -> Dataset:
    dataset = open_dataset(path)
    index, shards = dataset.records("train").index, dataset.splits["train"].shards
    for row in rows:
        with (path / shards[index.shard[row]].file).open("r+b") as file:
            file.seek(int(index.offset[row]) + 30)
            file.write(bytes(200))
    return dataset


@pytest.mark.parametrize("augment", [AUGMENT, pytest.param([CutMix()], marks=pytest.mark.slow)])
def test_damaged_examples_are_left_out(own_copy: Callable[[Format], Path], augment: list[Any]) -> None:
    dataset = damage(own_copy("tfrecord"), [0, 17, 52])
    options: dict[str, Any] = {"on_error": "skip", "drop_remainder": False, "augment": augment}
    ours = batches(dataset, processes=2, **options)
    assert dataset.skipped["train"] == 3
    assert sum(len(batch["image"]) for batch in ours) == 2 * 50
    assert_same(ours, batches(dataset, **options))


def test_damage_is_named_and_the_workers_go_on(own_copy: Callable[[Format], Path]) -> None:
    dataset = damage(own_copy("hdf5"), [6])
    broken = loader(dataset)
    with pytest.raises(DamagedExampleError, match=r"train-00000.*image0006.*at byte"):
        broken.load(0, ALL)
    before = broken.pids
    assert np.array_equal(broken.load(0, ALL[7:]), loader(dataset, processes=0).load(0, ALL[7:]))
    assert broken.pids == before
    _, damaged = loader(dataset, skips=True, processes=1).load_damaged(0, ALL[5:8])
    assert list(damaged) == [1]
    assert "image0006" in str(damaged[1])


@pytest.mark.slow
def test_a_missing_shard_and_wrong_functions_are_errors_of_the_same_classes(
    flowers: Dataset, own_copy: Callable[[Format], Path]
) -> None:
    path = own_copy("tfrecord")
    dataset = open_dataset(path)
    (path / dataset.splits["train"].shards[1].file).unlink()
    with pytest.raises(DamagedDatasetError, match="is missing"):
        loader(dataset, processes=1).load(0, ALL)
    with pytest.raises(RuntimeError, match=r"(?s)a worker process failed.*in fail.*no such colour"):
        loader(flowers, functions.fail, processes=1).load(0, ALL)


def test_a_function_that_changes_the_size(thumbnails: Dataset) -> None:
    program = Program([functions.widen], image_size=None, seed=0)
    one = Loading(thumbnails, program, processes=1)
    with pytest.raises(UsageError, match="changed the image size"):
        one.load(0, ALL)


def test_functions_must_be_importable(flowers: Dataset) -> None:
    def inner(image: Any) -> Any:
        return image

    for function in (inner, lambda image: image):
        with pytest.raises(
            UsageError, match=r"augment\[2\]=<function.*(?:[Pp]ickle|local object).*pass processes=0"
        ):
            batches(flowers, augment=[*AUGMENT, function], processes=1)


@pytest.mark.parametrize("processes", [-1, 1.5, True, "2"])
def test_wrong_numbers_are_refused(flowers: Dataset, processes: Any) -> None:
    with pytest.raises(
        UsageError, match=r"processes expects a number of worker processes, 0 for threads, or None"
    ):
        batches(flowers, processes=processes)


@pytest.mark.slow
def test_several_cpus_mean_processes(flowers: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fitfeed.pipelines.options.available_cpus", lambda: 3)
    monkeypatch.setattr("fitfeed.pipelines.batches.late_start.MANY_IMAGES", 0)
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    pipeline = make_pipeline(
        flowers, "train", batch_size=8, image_size=(16, 20), normalize=None, dtype="uint8"
    )
    deadline = time.monotonic() + 120
    for _ in pipeline.repeat():  # threads make batches until they are there
        count = len({child.pid for child in psutil.Process().children(recursive=True)} - before)
        if count == 1 + 3:  # with what they are forked from
            break
        assert count <= 3
        assert time.monotonic() < deadline


def test_no_processes_where_python_has_no_program(monkeypatch: pytest.MonkeyPatch, flowers: Dataset) -> None:
    """As in an application with Python inside."""
    monkeypatch.setattr("fitfeed.pipelines.options.available_cpus", lambda: 8)
    monkeypatch.setattr(sys, "executable", "")
    assert_same(batches(flowers, processes=None), batches(flowers, processes=0))


def test_stream_access_is_refused(flowers: Dataset) -> None:
    with pytest.raises(
        UsageError, match=r"processes=2, access='stream'. Use access='indexed', or processes=0"
    ):
        batches(flowers, access="stream", processes=2)


@pytest.mark.parametrize("count", [1, 2, 8, 16, 64])
@pytest.mark.parametrize("batch_size", [1, 8, 128, 1024])
def test_every_process_has_a_block_and_memory_is_bounded(count: int, batch_size: int) -> None:
    at_once = batches_at_once(count, batch_size)
    assert 2 <= at_once <= max(2, count)
    assert at_once * batch_size <= max(2 * batch_size, count * MIN_BLOCK + 2 * batch_size)
    if batch_size >= MIN_BLOCK:
        assert at_once * (batch_size // MIN_BLOCK) >= count
