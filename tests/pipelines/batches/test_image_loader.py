from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from fitfeed.pipelines import Dataset, RandomFlip, RandomResizedCrop, open_dataset
from fitfeed.pipelines.augment.compiler.program import Program
from fitfeed.pipelines.batches.normalize import Normalizer
from fitfeed.schemas.errors import DamagedDatasetError, UsageError
from fitfeed.schemas.payload import Pixels
from tests.pipelines.build_dataset import Example, Format
from tests.pipelines.image_loading import Loading

ALL = np.arange(53)


def loader(
    dataset: Dataset, program: Program, *, dtype: str = "uint8", threads: int | None = None
) -> Loading:
    normalizer = None if dtype == "uint8" else Normalizer("zscore", dataset.statistics, dtype=dtype)
    return Loading(dataset, program, normalizer, dtype=dtype, threads=threads)


def augmented(seed: int = 1) -> Program:
    return Program([RandomResizedCrop(), RandomFlip()], image_size=(20, 30), seed=seed)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_same_bits_for_any_number_of_threads_and_either_format(
    encoded_datasets: dict[Format, Dataset], dtype: str
) -> None:
    batches = [
        loader(dataset, augmented(), dtype=dtype, threads=threads).load(2, ALL)
        for dataset in encoded_datasets.values()
        for threads in (1, 8)
    ]
    for batch in batches[1:]:
        assert np.array_equal(batches[0], batch)


def test_pixels_are_the_stored_ones_resized(flowers: Dataset, examples: dict[str, list[Example]]) -> None:
    batch = loader(flowers, Program([], image_size=(48, 50), seed=0)).load(0, ALL[:9])
    for image, example in zip(batch, examples["train"], strict=False):
        assert np.array_equal(image, cv2.resize(example.pixels, (50, 48)))


@pytest.mark.parametrize("format_", ["tfrecord", "hdf5"])
def test_raw_images_are_read_straight_into_the_batch(
    raw_datasets: dict[Format, Dataset], raw_examples: dict[str, list[Example]], format_: Format
) -> None:
    records = raw_datasets[format_].records("train")
    numbers = ALL[::-1]
    batch = loader(raw_datasets[format_], Program([], image_size=None, seed=0)).load(0, numbers)
    assert all(np.array_equal(batch[i], raw_examples["train"][n].pixels) for i, n in enumerate(numbers))
    # The same by the way that decodes, and from bytes that were read before.
    slow = Loading(raw_datasets[format_], Program([lambda image: image], image_size=None, seed=0))
    assert np.array_equal(slow.load(0, numbers), batch)
    payloads = [records.encoded(n) for n in numbers]
    assert np.array_equal(slow.load(0, numbers, payloads), batch)


def test_an_example_looks_the_same_in_any_batch(flowers: Dataset) -> None:
    numbers = np.array([50, 3, 17])
    whole = loader(flowers, augmented()).load(4, ALL)
    payloads = [flowers.records("train").encoded(n) for n in numbers]
    assert np.array_equal(loader(flowers, augmented()).load(4, numbers), whole[numbers])
    assert np.array_equal(loader(flowers, augmented()).load(4, numbers, payloads), whole[numbers])
    assert not np.array_equal(loader(flowers, augmented()).load(5, numbers), whole[numbers])


def test_functions_may_write_to_their_image(thumbnails: Dataset, flowers: Dataset) -> None:
    def blacken(image: Pixels) -> Pixels:
        image[:] = 0
        return image

    for dataset in (thumbnails, flowers):
        program = Program([blacken], image_size=(8, 8), seed=0)
        payloads = [dataset.records("train").encoded(n) for n in ALL]
        for given in (None, payloads):
            assert not loader(dataset, program).load(0, ALL, given).any()


def test_damage_is_reported_and_the_loader_goes_on(own_copy: Callable[[Format], Path]) -> None:
    path = own_copy("tfrecord")
    dataset = open_dataset(path)
    records = dataset.records("train")
    with (path / dataset.splits["train"].shards[0].file).open("r+b") as file:
        file.seek(int(records.index.offset[6]) + 2)
        file.write(bytes(100))
    broken = loader(dataset, augmented(), threads=4)
    with pytest.raises(DamagedDatasetError, match=r"train-00000.*image0006.*at byte"):
        broken.load(0, ALL)
    assert broken.load(0, ALL[7:]).any()


def test_different_sizes_need_image_size(flowers: Dataset, thumbnails: Dataset) -> None:
    with pytest.raises(UsageError, match=r"Received: image_size=None. Pass image_size=\(height, width\)"):
        loader(flowers, Program([], image_size=None, seed=0))
    assert loader(thumbnails, Program([], image_size=None, seed=0)).loader.image_shape == (32, 24, 3)


def test_batches_stay_as_they_are_while_in_use(flowers: Dataset) -> None:
    one = loader(flowers, augmented())
    batches: list[npt.NDArray[Any]] = [one.load(epoch, ALL) for epoch in range(8)]
    assert all(
        np.array_equal(batch, loader(flowers, augmented()).load(e, ALL)) for e, batch in enumerate(batches)
    )


def test_opencv_starts_no_threads_of_its_own(thumbnails: Dataset) -> None:
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(2)
        loader(thumbnails, Program([], image_size=None, seed=0))
        assert cv2.getNumThreads() == 1
    finally:
        cv2.setNumThreads(before)
