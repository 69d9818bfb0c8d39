"""One digest of two epochs, with augmentation, an interruption and two shards, for each way to get batches."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from fitfeed.pipelines import (
    Dataset,
    Loader,
    RandomBrightness,
    RandomCrop,
    RandomFlip,
    RandomResizedCrop,
    RandomRotation,
    make_loader,
    make_pipeline,
)
from fitfeed.pipelines.needed_package import is_installed
from tests.lanes.compare import PLAIN

SHARDS = ((0, 2), (1, 2))
EPOCHS = 2
STOP = 2
"""Steps of the second epoch before the interruption."""

AUGMENTED: dict[str, dict[str, Any]] = {
    "warped": {
        "image_size": (20, 24),
        "augment": [
            RandomResizedCrop(),
            RandomRotation(0.05),
            RandomFlip("horizontal"),
            RandomBrightness(0.2),
        ],
    },
    "cut out": {"augment": [RandomCrop(20, 24), RandomFlip("horizontal")]},
}
"""By name, options of `make_loader`. OpenCV 4 warps differently; "cut out" has one digest in all stacks."""

GIVEN: dict[str, Any] = {"batch_size": 2, "seed": 11}

Place = tuple[int, int]
"""Epoch and step."""

Epochs = Iterator[Iterator[tuple[Any, Any]]]
"""Epochs of (images, labels), of NumPy: float32 (batch, height, width, channels) and int64 (batch,)."""


def as_they_are(loader: Loader) -> Epochs:
    """`make_loader`."""
    while True:
        yield iter(loader)


def of_torch(loader: Loader) -> Epochs:
    """`Loader.torch`."""
    while True:
        yield ((images.permute(0, 2, 3, 1).numpy(), labels.numpy()) for images, labels in loader.torch())


def of_jax(loader: Loader) -> Epochs:
    """`Loader.jax`, whose labels are int64 only where JAX is asked for that."""
    while True:
        yield ((np.asarray(images), np.asarray(labels).astype(np.int64)) for images, labels in loader.jax())


def of_keras(loader: Loader) -> Epochs:
    """`Loader.keras`, with numbers in an order that Keras might ask for."""
    while True:
        batches = loader.keras(rest=loader.state_dict()["step"] > 0)
        yield (batches[number] for number in reversed(range(len(batches))))


BY_LOADER: dict[str, Callable[[Loader], Epochs]] = {
    "make_loader": as_they_are,
    "torch": of_torch,
    "jax": of_jax,
    "keras": of_keras,
}
NEEDS = {"make_pipeline": "tensorflow", "torch": "torch", "jax": "jax", "keras": "keras"}
"""Way to the package without which there is none."""

WAYS = ("make_pipeline", *BY_LOADER)


def epochs_of(way: str, dataset: Dataset, options: dict[str, Any], place: Place) -> Epochs:
    """Begins at a place with new objects, as another process would.

    Args:
        way: One of `WAYS`.
        dataset: What is fed.
        options: Of `make_loader`.
        place: Where to begin.
    """
    if way == "make_pipeline":
        batches = make_pipeline(dataset, "train", start=place, **options)
        while True:
            yield batches.as_numpy_iterator()
    loader = make_loader(dataset, "train", **options)
    state = json.loads(json.dumps(loader.state_dict()))
    loader.load_state_dict({**state, "epoch": place[0], "step": place[1]})
    yield from BY_LOADER[way](loader)


def add_to(digest: Any, batches: Iterable[tuple[Any, Any]]) -> None:
    """Adds types, shapes and bits of batches to a digest of hashlib."""
    for images, labels in batches:
        for array in (images, labels):
            digest.update(f"{array.dtype} {array.shape}".encode() + np.ascontiguousarray(array).tobytes())


def digest_of(way: str, dataset: Dataset, name: str, **more: Any) -> str:
    """All batches of two epochs of both shards: the second epoch is interrupted, and gone on with by new objects.

    Args:
        way: One of `WAYS`.
        dataset: What is fed.
        name: One of `AUGMENTED`.
        **more: Other options of `make_loader`.
    """
    digest = hashlib.sha256()
    for shard in SHARDS:
        options = {**GIVEN, **AUGMENTED[name], **more, "shard": shard}
        before = epochs_of(way, dataset, options, (0, 0))
        add_to(digest, next(before))
        begun = next(before)
        add_to(digest, (next(begun) for _ in range(STOP)))
        add_to(digest, next(epochs_of(way, dataset, options, (1, STOP))))
    return digest.hexdigest()


def uninterrupted(dataset: Dataset, name: str, **more: Any) -> str:
    """The same of plain calls of the function that makes a batch, one after the other."""
    digest = hashlib.sha256()
    for shard in SHARDS:
        options = {**GIVEN, **AUGMENTED[name], **more, "shard": shard}
        maker = make_loader(dataset, "train", **options)._maker
        for epoch in range(EPOCHS):
            for step in range(len(maker.steps)):
                arrays = maker.make(epoch, step)
                add_to(digest, [(arrays["image"], arrays["label"])])
    return digest.hexdigest()


def installed() -> list[str]:
    """The ways that there are in this environment."""
    return [way for way in WAYS if way not in NEEDS or is_installed(NEEDS[way])]


def digests_of(dataset: Dataset) -> dict[str, dict[str, str]]:
    """All that there are: what is fed, and the way, to the digest."""
    return {
        name: {
            PLAIN: uninterrupted(dataset, name),
            **{way: digest_of(way, dataset, name) for way in installed()},
        }
        for name in AUGMENTED
    }
