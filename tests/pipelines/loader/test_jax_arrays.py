"""Batches as arrays of JAX."""

from typing import Any

import numpy as np
import pytest

from fitfeed.pipelines import Dataset, Loader, RandomFlip, make_loader
from tests.programs import run_program

jax = pytest.importorskip("jax")


def loader(dataset: Dataset, **options: Any) -> Loader:
    given: dict[str, Any] = {"batch_size": 8, "image_size": (16, 20), "augment": [RandomFlip()]}
    return make_loader(dataset, "train", **{**given, **options})


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_two_epochs_are_those_of_the_loader(flowers: Dataset, dtype: str) -> None:
    ours, arrays = loader(flowers, dtype=dtype).jax(), loader(flowers, dtype=dtype)
    assert len(ours) == len(arrays)
    for _ in range(2):
        for (images, labels), (expected, numbers) in zip(list(ours), list(arrays), strict=True):
            assert isinstance(images, jax.Array)
            assert images.dtype == expected.dtype
            assert np.asarray(images).tobytes() == expected.tobytes()
            assert labels.tolist() == numbers.tolist()


def test_an_array_that_is_kept_stays_as_it_is(flowers: Dataset) -> None:
    """JAX on a CPU may use the loader's memory, which must not be used for another batch then."""
    options: dict[str, Any] = {"batch_size": 2, "image_size": (64, 64)}
    kept = [images for images, _ in loader(flowers, **options).jax()]
    expected = [images.copy() for images, _ in loader(flowers, **options)]
    for images, copy in zip(kept, expected, strict=True):
        assert np.array_equal(images, copy)


def test_the_batch_that_is_on_its_way_does_not_count(flowers: Dataset) -> None:
    ours = loader(flowers)
    iterator = iter(ours.jax())
    for step in range(1, 4):
        next(iterator)
        assert ours.state_dict()["step"] == step
    other = loader(flowers)
    other.load_state_dict(ours.state_dict())
    for (images, _), (expected, _) in zip(other.jax(), iterator, strict=True):
        assert np.array_equal(images, expected)


def test_keys_stay_as_they_are(flowers: Dataset) -> None:
    batch = next(iter(loader(flowers, output="dict", labels=None).jax(jax.devices()[0])))
    assert list(batch) == ["image", "key"]
    assert isinstance(batch["key"][0], str)
    assert batch["image"].devices() == {jax.devices()[0]}


@pytest.mark.slow
def test_a_batch_is_divided_by_a_sharding(flowers: Dataset) -> None:
    program = """
import sys
import jax, numpy as np
from jax.sharding import NamedSharding, PartitionSpec
from fitfeed import make_loader
sharding = NamedSharding(jax.make_mesh((8,), ("batch",)), PartitionSpec("batch"))
options = dict(batch_size=16, image_size=(16, 20))
for (images, labels), (expected, numbers) in zip(
    make_loader(sys.argv[1], "train", **options).jax(sharding), make_loader(sys.argv[1], "train", **options), strict=True
):
    assert len({shard.device for shard in images.addressable_shards}) == 8
    assert images.addressable_shards[0].data.shape == (2, 16, 20, 3)
    assert np.array_equal(images, expected) and np.array_equal(labels, numbers)
print("tensorflow" in sys.modules)
"""
    printed = run_program(program, flowers.path, XLA_FLAGS="--xla_force_host_platform_device_count=8")
    assert printed == "False\n"
