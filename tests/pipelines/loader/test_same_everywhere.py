"""One digest of two epochs, with augmentation, an interruption and two shards, for each way to get batches."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pytest

from fitfeed.pipelines import (
    Dataset,
    RandomBrightness,
    RandomFlip,
    RandomResizedCrop,
    RandomRotation,
    make_loader,
    make_pipeline,
)

STOP = 2
"""Steps of the second epoch before the interruption."""

OPTIONS: dict[str, Any] = {
    "batch_size": 5,
    "image_size": (20, 24),
    "augment": [RandomResizedCrop(), RandomRotation(0.05), RandomFlip("horizontal"), RandomBrightness(0.2)],
    "seed": 11,
}

Take = Callable[[Dataset, tuple[int, int], Any], Iterator[Iterator[tuple[Any, Any]]]]
"""From a dataset, a shard and a state to epochs of (images, labels), of NumPy."""


def digest_of(batches: Iterable[tuple[Any, Any]], digest: Any) -> None:
    for images, labels in batches:
        for array in (images, labels):
            digest.update(f"{array.dtype} {array.shape}".encode() + np.ascontiguousarray(array).tobytes())


def by_make_pipeline(dataset: Dataset, shard: tuple[int, int], place: tuple[int, int]) -> Iterator[Any]:
    batches = make_pipeline(dataset, "train", shard=shard, start=place, **OPTIONS)
    while True:
        yield batches.as_numpy_iterator()


def by_loader(dataset: Dataset, shard: tuple[int, int], place: tuple[int, int], *, way: str) -> Iterator[Any]:
    loader = make_loader(dataset, "train", shard=shard, **OPTIONS)
    state = json.loads(json.dumps(loader.state_dict()))
    loader.load_state_dict({**state, "epoch": place[0], "step": place[1]})
    while True:
        if way == "torch":
            yield ((images.permute(0, 2, 3, 1).numpy(), labels.numpy()) for images, labels in loader.torch())
        elif way == "jax":
            # JAX has no int64 unless it is asked for.
            yield (
                (np.asarray(images), np.asarray(labels).astype(np.int64)) for images, labels in loader.jax()
            )
        else:
            yield iter(loader)


def digest(way: str, dataset: Dataset) -> str:
    """All batches of two epochs of both shards: the second epoch is interrupted, and gone on with by new objects."""
    made = hashlib.sha256()
    for shard in ((0, 2), (1, 2)):

        def epochs(place: tuple[int, int], shard: tuple[int, int] = shard) -> Iterator[Any]:
            return (
                by_make_pipeline(dataset, shard, place)
                if way == "make_pipeline"
                else by_loader(dataset, shard, place, way=way)
            )

        before = epochs((0, 0))
        digest_of(next(before), made)
        begun = next(before)
        digest_of((next(begun) for _ in range(STOP)), made)
        digest_of(next(epochs((1, STOP))), made)
    return made.hexdigest()


@pytest.fixture(scope="module")
def expected(flowers: Dataset) -> str:
    """Of plain calls of the function that makes a batch, uninterrupted."""
    made = hashlib.sha256()
    for shard in ((0, 2), (1, 2)):
        maker = make_loader(flowers, "train", shard=shard, **OPTIONS)._maker
        for epoch in range(2):
            for step in range(len(maker.steps)):
                arrays = maker.make(epoch, step)
                digest_of([(arrays["image"], arrays["label"])], made)
    return made.hexdigest()


@pytest.mark.parametrize("way", ["make_pipeline", "make_loader", "jax", "torch"])
def test_two_epochs_have_one_digest(flowers: Dataset, expected: str, way: str) -> None:
    if way in ("jax", "torch"):
        pytest.importorskip(way, reason=f"{way} is not installed")
    assert digest(way, flowers) == expected


def test_the_digest_tells_epochs_and_shards_apart(flowers: Dataset, expected: str) -> None:
    found = []
    for epoch, shard in ((0, (0, 2)), (1, (0, 2)), (0, (1, 2))):
        made = hashlib.sha256()
        digest_of(make_loader(flowers, "train", shard=shard, start=(epoch, 0), **OPTIONS), made)
        found.append(made.hexdigest())
    assert len({*found, expected}) == 4
