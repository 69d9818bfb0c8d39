"""Functions for `augment` that a worker process can import."""

import os
import random
import signal
import time
from dataclasses import dataclass

import cv2
import numpy as np
from typing_extensions import override

from fitfeed.pipelines.arrays.types import Floats, Integers
from fitfeed.pipelines.augment.base import Augmentation, PlanBuilder
from fitfeed.schemas.payload import Pixels


def mirror(image: Pixels) -> Pixels:
    """What a user may write."""
    return np.ascontiguousarray(image[:, ::-1])


def fail(image: Pixels) -> Pixels:
    """What a user may have got wrong."""
    msg = "no such colour"
    raise KeyError(msg)


def fail_on_small(image: Pixels) -> Pixels:
    """Fails on some images only."""
    if image.shape[0] < 60:
        msg = "too small"
        raise KeyError(msg)
    return image


def nothing(image: Pixels) -> Pixels:
    """Forgets to return the image."""
    return None  # type: ignore[return-value]


def widen(image: Pixels) -> Pixels:
    """Returns an image of another size."""
    return np.concatenate([image, image])


def die(image: Pixels) -> Pixels:
    """As the kernel ends a process when memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)
    return image


def leave(image: Pixels) -> Pixels:
    """Ends the process on its own account."""
    os._exit(3)


def draw(image: Pixels) -> Pixels:
    """Draws from NumPy's own generator, as a user may."""
    return np.full_like(image, np.random.randint(0, 256, image.shape[2]))  # noqa: NPY002 - it is about that one


def hang(image: Pixels) -> Pixels:
    """Never returns."""
    time.sleep(1000)
    return image


@dataclass(frozen=True)
class Fussy(Augmentation):
    """An operation that, by a bug, cannot do with images of some height."""

    height: int

    @override
    def add_to(self, plan: PlanBuilder, rows: Integers, parameters: Floats) -> None:
        plan.append(self, rows, [FussyPass(self.height)] * len(rows))


@dataclass(frozen=True)
class FussyPass:
    """The pass of `Fussy`."""

    height: int

    def size_of(self, pixels: Pixels) -> tuple[int, int]:
        return pixels.shape[0], pixels.shape[1]

    def apply(self, pixels: Pixels, out: Pixels) -> Pixels:
        if pixels.shape[0] == self.height:
            msg = "!ssize.empty()"
            raise cv2.error(msg)
        return pixels


class Foreign:
    """As a transform of albumentations, but for what it does."""


Foreign.__module__ = "albumentations.core.transforms_interface"


class Darken(Foreign):
    """Subtracts a random number, and remembers how it was called."""

    def __init__(self, largest: int = 100) -> None:
        self.largest = largest
        self._random = random.Random()

    def set_random_seed(self, seed: int) -> None:
        self._random = random.Random(seed)

    def __call__(self, *arguments: object, image: Pixels) -> dict[str, Pixels]:
        assert not arguments
        darker = image.astype(np.int64) - self._random.randrange(self.largest)
        return {"image": np.clip(darker, 0, 255).astype(image.dtype)}


class Unpicklable:
    """A function that can be pickled, but not restored."""

    def __call__(self, image: Pixels) -> Pixels:
        return image

    def __setstate__(self, _state: object) -> None:
        msg = "cannot be restored"
        raise RuntimeError(msg)

    def __getstate__(self) -> dict[str, int]:
        return {"a": 1}
