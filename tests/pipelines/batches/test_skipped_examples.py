"""`on_error="skip"`: damaged examples are left out, and nothing else changes."""

import errno
import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fitfeed.pipelines import CenterCrop, Dataset, RandomFlip, RandomResizedCrop, make_pipeline, open_dataset
from fitfeed.pipelines.augment.compiler.program import Program
from fitfeed.pipelines.batches.skipped_examples import MAX_LOGGED, Skipped
from fitfeed.schemas.errors import DamagedDatasetError, DamagedExampleError
from tests.pipelines import functions
from tests.pipelines.build_dataset import Example, Format, build_dataset, pickled
from tests.pipelines.image_loading import Loading

ACCESSES = ("indexed", "stream")
FORMATS: tuple[Format, ...] = ("tfrecord", "hdf5")
AUGMENT = [RandomResizedCrop(), RandomFlip("horizontal")]
SHARDS = 3
OVERWRITTEN = (3, 4, 17, 30)
CUT_OFF = 52  # the last of the last shard, which ends in the middle of it
BAD = {*OVERWRITTEN, CUT_OFF}
CopyOf = Callable[[Format], Path]


@pytest.fixture(scope="module")
def broken(
    tmp_path_factory: pytest.TempPathFactory, examples: dict[str, list[Example]]
) -> dict[Format, Path]:
    """Shards with four overwritten images (number 4 is a PNG), and one that is cut off."""
    root = tmp_path_factory.mktemp("broken")
    return {f: damage(build_dataset(root / f, examples, format=f, shards=SHARDS)) for f in FORMATS}


def damage(path: Path) -> Path:
    dataset = open_dataset(path)
    index, shards = dataset.records("train").index, dataset.splits["train"].shards
    for row in OVERWRITTEN:
        with (path / shards[index.shard[row]].file).open("r+b") as file:
            file.seek(int(index.offset[row]) + 30)
            file.write(bytes(200))
    os.truncate(path / shards[-1].file, int(index.offset[CUT_OFF]) + 10)
    return path


def batches(dataset: Dataset | Path, **options: Any) -> list[dict[str, Any]]:
    settings: dict[str, Any] = {"batch_size": 8, "image_size": (16, 20), "output": "dict", "augment": AUGMENT}
    pipeline = make_pipeline(dataset, "train", **{**settings, **options})
    return [{name: tensor.numpy() for name, tensor in batch.items()} for batch in pipeline]


def without(bad: Iterable[int], batches: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Batches from which examples were taken out."""
    names = {f"class{i % 3}/image{i:04}".encode() for i in bad}
    kept = [np.array([key not in names for key in batch["key"]]) for batch in batches]
    return [
        {name: values[k] for name, values in batch.items()} for k, batch in zip(kept, batches, strict=True)
    ]


def assert_same(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> None:
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert a.keys() == b.keys()
        assert all(np.array_equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize(
    ("format_", "access", "drop"),
    [
        ("tfrecord", "indexed", False),
        pytest.param("tfrecord", "stream", True, marks=pytest.mark.slow),
        pytest.param("hdf5", "indexed", True, marks=pytest.mark.slow),
        ("hdf5", "stream", False),
    ],
)
def test_all_others_stay_where_they_are(
    flowers: Dataset, broken: dict[Format, Path], format_: Format, access: str, drop: bool
) -> None:
    options: dict[str, Any] = {"access": access, "drop_remainder": drop, "labels": "onehot", "start": (2, 0)}
    dataset = open_dataset(broken[format_])
    for _ in range(2):
        skipping = batches(dataset, on_error="skip", **options)
        assert_same(skipping, without(BAD, batches(flowers, **options)))
        options["start"] = (3, 0)
    if not drop:
        assert dataset.skipped == {"train": len(BAD), "validation": 0}  # each once, in two epochs
        assert pickled(dataset).skipped["train"] == 0
    with pytest.raises(tf.errors.OpError, match="DamagedExampleError"):
        batches(broken[format_], **{**options, "drop_remainder": False})


@pytest.mark.parametrize("access", ["indexed", pytest.param("stream", marks=pytest.mark.slow)])
def test_workers_keep_their_steps(flowers: Dataset, broken: dict[Format, Path], access: str) -> None:
    for worker in range(3):
        options: dict[str, Any] = {"access": access, "shard": (worker, 3), "drop_remainder": False}
        skipping = batches(broken["hdf5"], on_error="skip", **options)
        assert_same(skipping, without(BAD, batches(flowers, **options)))


def test_resumes(broken: dict[Format, Path]) -> None:
    whole = batches(broken["tfrecord"], on_error="skip", start=(1, 0))
    assert_same(batches(broken["tfrecord"], on_error="skip", start=(1, 4)), whole[4:])


def test_only_the_batch_dimension_is_unknown(flowers: Dataset) -> None:
    pipeline = make_pipeline(flowers, "train", batch_size=8, image_size=(16, 20), on_error="skip")
    assert [spec.shape.as_list() for spec in pipeline.element_spec] == [[None, 16, 20, 3], [None]]
    assert pipeline.cardinality() == 6


@pytest.mark.parametrize("threads", [1, 8])
def test_any_number_of_threads(flowers: Dataset, broken: dict[Format, Path], threads: int) -> None:
    program = Program(AUGMENT, image_size=(20, 30), seed=1)
    skipping = Loading(open_dataset(broken["tfrecord"]), program, threads=threads, skips=True)
    images, damaged = skipping.load_damaged(0, np.arange(53))
    assert set(damaged) == BAD
    kept = [i for i in range(53) if i not in BAD]
    assert np.array_equal(images[kept], Loading(flowers, program).load(0, np.arange(53))[kept])


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("access", ACCESSES)
def test_raw_images(
    tmp_path: Path,
    thumbnails: Dataset,
    raw_examples: dict[str, list[Example]],
    format_: Format,
    access: str,
) -> None:
    path = build_dataset(tmp_path / "d", raw_examples, format=format_, shards=SHARDS, is_raw=True)
    dataset = open_dataset(path)
    index, shards = dataset.records("train").index, dataset.splits["train"].shards
    os.truncate(path / shards[1].file, int(index.offset[20]) + 5)  # 20 and what stands behind it
    bad = [row for row in range(20, 53) if index.shard[row] == 1]
    assert len(bad) > 10
    options: dict[str, Any] = {"access": access, "image_size": None, "augment": [], "drop_remainder": False}
    options |= {"dtype": "uint8", "normalize": None, "batch_size": 27}
    assert_same(batches(dataset, on_error="skip", **options), without(bad, batches(thumbnails, **options)))
    assert dataset.skipped["train"] == len(bad)


@pytest.mark.parametrize("access", ACCESSES)
def test_errors_of_the_disk(flowers: Dataset, monkeypatch: pytest.MonkeyPatch, access: str) -> None:
    options: dict[str, Any] = {"access": access, "drop_remainder": False}
    expected = without([7], batches(flowers, **options))
    index = flowers.records("train").index
    begin, shard = int(index.offset[7]), f"train-{index.shard[7]:05}"

    def failing(read: Any, length_of: Callable[[Any], int]) -> Any:
        def call(descriptor: int, what: Any, offset: int) -> Any:
            touches = offset <= begin < offset + length_of(what)
            if touches and shard in Path(f"/proc/self/fd/{descriptor}").readlink().name:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return read(descriptor, what, offset)

        return call

    monkeypatch.setattr(os, "pread", failing(os.pread, int))
    monkeypatch.setattr(os, "preadv", failing(os.preadv, lambda buffers: sum(map(len, buffers))))
    dataset = open_dataset(flowers.path)
    assert_same(batches(dataset, on_error="skip", **options), expected)
    assert dataset.skipped["train"] == 1
    with pytest.raises(tf.errors.OpError, match="Input/output error"):
        batches(dataset, **options)


@pytest.mark.parametrize("access", ACCESSES)
def test_a_missing_shard_is_no_damaged_example(own_copy: CopyOf, access: str) -> None:
    path = own_copy("tfrecord")
    (path / open_dataset(path).splits["train"].shards[1].file).unlink()
    with pytest.raises(tf.errors.OpError, match="is missing"):
        batches(path, on_error="skip", access=access)


@pytest.mark.parametrize("access", ACCESSES)
def test_a_batch_without_a_good_example_is_an_error(broken: dict[Format, Path], access: str) -> None:
    options: dict[str, Any] = {"batch_size": 1, "shuffle": False, "access": access, "on_error": "skip"}
    with pytest.raises(tf.errors.OpError, match=r"none of the 1 examples of a batch.*image0003"):
        batches(broken["tfrecord"], start=(0, 2), **options)


def test_says_once_what_is_missing(broken: dict[Format, Path], caplog: pytest.LogCaptureFixture) -> None:
    dataset = open_dataset(broken["hdf5"])
    with caplog.at_level(logging.WARNING, logger="fitfeed.pipelines"):
        for epoch in range(2):
            batches(dataset, on_error="skip", drop_remainder=False, start=(epoch, 0))
    index = dataset.records("train").index
    assert len(caplog.messages) == len(BAD)
    for row in BAD:
        (message,) = (text for text in caplog.messages if index.key(row) in text)
        assert f"train-{index.shard[row]:05}-of-00003.h5" in message
        assert f"byte {index.offset[row]}" in message


def test_does_not_flood_the_log(caplog: pytest.LogCaptureFixture) -> None:
    skipped = Skipped("train")
    with caplog.at_level(logging.WARNING, logger="fitfeed.pipelines"):
        for row in range(3 * MAX_LOGGED):
            skipped.add(row, DamagedExampleError("broken"))
    assert len(skipped) == 3 * MAX_LOGGED
    assert len(caplog.messages) == MAX_LOGGED + 1
    assert "only be counted" in caplog.messages[-1]


def test_no_name_makes_a_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="fitfeed.pipelines"):
        Skipped("train").add(0, DamagedExampleError("example 'a\x1b[31m\nall is well\u202e' is broken"))
    assert caplog.messages == [
        r"skipped an example of 'train': example 'a\x1b[31m\nall is well\u202e' is broken"
    ]


def test_a_failing_function_is_never_skipped(flowers: Dataset) -> None:
    def strange(_image: Any) -> Any:
        msg = "no such colour"
        raise DamagedDatasetError(msg)

    with pytest.raises(tf.errors.OpError, match="no such colour"):
        batches(flowers, augment=[strange], on_error="skip")


@pytest.mark.slow
@pytest.mark.parametrize("processes", [0, 1])
def test_a_failing_function_names_the_example(flowers: Dataset, processes: int) -> None:
    function = functions.fail_on_small
    with pytest.raises(
        tf.errors.OpError, match=r"(?s)too small.*It was raised for example 'class\d/image\d+'"
    ):
        batches(flowers, augment=[function], image_size=(8, 8), processes=processes)
    with pytest.raises(
        tf.errors.OpError,
        match=r"must return a uint8 array .* The example is 'class\d/image\d+' \(row \d+ of 'train'\)",
    ):
        batches(flowers, augment=[functions.nothing], processes=processes)


@pytest.mark.slow
@pytest.mark.parametrize("processes", [0, 1])
def test_an_image_that_an_operation_fails_on_is_named_and_can_be_skipped(
    flowers: Dataset, processes: int
) -> None:
    heights = flowers.records("train").index.height.tolist()
    failing = [row for row, height in enumerate(heights) if height == heights[5]]
    options: dict[str, Any] = {
        "augment": [functions.Fussy(heights[5]), CenterCrop()],
        "drop_remainder": False,
    }
    with pytest.raises(
        tf.errors.OpError,
        match=rf"'class\d/image\d+' .* {heights[5]} x \d+ pixels.* cannot be augmented: error: !ssize",
    ):
        batches(flowers, processes=processes, **options)
    dataset = open_dataset(flowers.path)
    ours = batches(dataset, on_error="skip", processes=processes, **options)
    assert dataset.skipped["train"] == len(failing)
    assert_same(
        ours,
        without(failing, batches(flowers, augment=[functions.Fussy(-1), CenterCrop()], drop_remainder=False)),
    )
