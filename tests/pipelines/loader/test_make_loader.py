"""`make_loader` gives the batches of `make_pipeline`, bit for bit."""

import inspect
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from fitfeed.pipelines import (
    CenterCrop,
    CutMix,
    Dataset,
    MixUp,
    RandomFlip,
    RandomResizedCrop,
    RandomRotation,
    make_loader,
    make_pipeline,
    open_dataset,
)
from fitfeed.pipelines.needed_package import is_installed
from fitfeed.schemas.errors import UsageError
from tests.pipelines.build_dataset import Format

needs_tensorflow = pytest.mark.skipif(not is_installed("tensorflow"), reason="TensorFlow is not installed")
AUGMENT = [RandomResizedCrop(), RandomFlip("horizontal")]
GIVEN: dict[str, Any] = {"batch_size": 8, "image_size": (16, 20), "augment": AUGMENT, "seed": 5}

QUICK = ("plain", "all by name", "bfloat16", "stream")
"""Cases that run always; making a `tf.data.Dataset` takes a third of a second."""

CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "all by name": {"output": "dict", "transforms": True, "drop_remainder": False},
    "images alone": {"labels": None},
    "bfloat16": {"dtype": "bfloat16"},
    "as stored": {"dtype": "uint8", "normalize": None, "shuffle": False},
    "mixed": {"augment": [*AUGMENT, RandomRotation(0.1), MixUp(), CutMix()], "label_smoothing": 0.1},
    "balanced": {"balance": "class", "labels": "onehot"},
    "the second of two": {"shard": (1, 2), "batch_size": 5, "drop_remainder": False},
    "stream": {"access": "stream", "normalize": "unit"},
    "some": {"examples": list(range(5, 40, 2))},
    "drawn by weight": {"sampling_weights": [1 + number % 3 for number in range(53)]},
    "from within": {"start": (3, 4)},
    "skipping": {"on_error": "skip", "normalize": "symmetric"},
}


def flat(element: Any) -> list[tuple[str, Any]]:
    """Name and array of each part of an element, keys as `str`."""
    if isinstance(element, dict):
        return [part for name, value in element.items() for part in [(name, flat(value)[0][1])]]
    if isinstance(element, tuple):
        return [part for value in element for part in flat(value)]
    array = element.numpy() if hasattr(element, "numpy") else element
    if array.dtype == object and isinstance(array[0], bytes):
        array = np.array([key.decode() for key in array], object)
    return [("", array)]


def assert_same(found: list[Any], expected: list[Any]) -> None:
    assert len(found) == len(expected) > 0
    for one, other in zip(found, expected, strict=True):
        assert type(one) is (type(other) if isinstance(other, dict | tuple) else np.ndarray)
        for (name, array), (other_name, wanted) in zip(flat(one), flat(other), strict=True):
            assert (name, array.dtype, array.shape) == (other_name, wanted.dtype, wanted.shape)
            assert (
                array.tolist() == wanted.tolist()
                if array.dtype == object
                else array.tobytes() == wanted.tobytes()
            )


@needs_tensorflow
@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in CASES]
)
def test_two_epochs_are_those_of_make_pipeline(flowers: Dataset, name: str) -> None:
    options = {**GIVEN, **CASES[name]}
    loader, pipeline = make_loader(flowers, "train", **options), make_pipeline(flowers, "train", **options)
    for _ in range(2):
        assert_same(list(loader), list(pipeline))


@needs_tensorflow
@pytest.mark.parametrize("prefetch", [0, 1, 7])
def test_prefetching_changes_no_bit(encoded_datasets: dict[Format, Dataset], prefetch: int) -> None:
    dataset = encoded_datasets["hdf5"]
    options: dict[str, Any] = {**GIVEN, "output": "dict", "batch_size": 5}
    loader = make_loader(dataset, "train", prefetch=prefetch, **options)
    assert_same(list(loader), list(make_pipeline(dataset, "train", **options)))


@needs_tensorflow
@pytest.mark.slow
def test_worker_processes_change_no_bit(flowers: Dataset) -> None:
    pipeline = make_pipeline(flowers, "train", processes=0, **GIVEN)
    assert_same(list(make_loader(flowers, "train", processes=2, **GIVEN)), list(pipeline))


def test_evaluation_has_every_example_in_stored_order(flowers: Dataset) -> None:
    loader = make_loader(
        str(flowers.path),
        "validation",
        batch_size=8,
        image_size=(16, 20),
        augment=[CenterCrop()],
        output="dict",
    )
    batches: list[Any] = list(loader)
    assert [len(batch["key"]) for batch in batches] == [8, 3]
    keys = [key for batch in batches for key in batch["key"]]
    assert keys == [f"class{i % 3}/image{i:04}" for i in range(100, 111)]


def test_bfloat16_is_that_of_ml_dtypes(flowers: Dataset) -> None:
    images, _ = next(iter(make_loader(flowers, "train", dtype="bfloat16", **GIVEN)))
    assert images.dtype == ml_dtypes.bfloat16


def test_the_arguments_are_those_of_make_pipeline() -> None:
    ours, theirs = (dict(inspect.signature(each).parameters) for each in (make_loader, make_pipeline))
    assert ours.pop("prefetch").default == 1
    assert list(ours.values()) == list(theirs.values())


def test_the_device_augments_in_make_pipeline_only(flowers: Dataset) -> None:
    with pytest.raises(UsageError, match=r"augments on the CPU.*Received: augment_on='device'"):
        make_loader(flowers, "train", batch_size=8, augment_on="device")
    with pytest.raises(UsageError, match="augment_on expects one of 'cpu', 'device'"):
        make_loader(flowers, "train", batch_size=8, augment_on="gpu")  # type: ignore[arg-type]


@pytest.mark.parametrize("prefetch", [-1, 1.5, True, None])
def test_prefetch_is_a_number_of_batches(flowers: Dataset, prefetch: Any) -> None:
    with pytest.raises(UsageError, match="prefetch expects a number of batches, 0 or more"):
        make_loader(flowers, "train", batch_size=8, image_size=(8, 8), prefetch=prefetch)


def test_wrong_options_are_refused_as_by_make_pipeline(flowers: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="batch_size expects a positive number"):
        make_loader(flowers, "train", batch_size=0)
    with pytest.raises(UsageError, match="has its cache already"):
        make_loader(flowers, "train", batch_size=1, cache=tmp_path)
    with pytest.raises(UsageError, match=r"no such split. Received: split='trian'"):
        make_loader(open_dataset(flowers.path), "trian", batch_size=1)
