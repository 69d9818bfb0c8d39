"""Functions of the user in the list of augmentations: what they may be, and how they are called."""

import copy
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from typing_extensions import override

from fitfeed.pipelines.arrays.types import Floats, Integers, Size
from fitfeed.pipelines.augment.base import Augmentation, PlanBuilder
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.payload import Pixels

ImageFunction = Callable[[Pixels], Pixels]
"""Any function from one array, uint8 or uint16 (H, W, C), to another of the same type. It is called from several
threads. Its argument may be overwritten after it has returned."""


class CallError(Exception):
    """A function of the user has failed. Its own error is the cause."""


@dataclass(frozen=True)
class Call(Augmentation):
    """A function of the user in the list.

    Attributes:
        function: A function from image to image.
        next: Place in the program of the operation after it.
    """

    function: ImageFunction
    next: int

    @override
    def add_to(self, plan: PlanBuilder, rows: Integers, parameters: Floats) -> None:
        """Assumes that the function keeps the size. If it does not, `Program` compiles the rest again."""
        plan.append(self, rows, [CallPass(self, size) for size in map(tuple, plan.size[rows].tolist())])


@dataclass(frozen=True, slots=True)
class CallPass:
    """Calls a function on one image; `size` is the assumed size of its result."""

    call: Call
    size: Size

    def size_of(self, pixels: Pixels) -> Size:
        """Returns the assumed size."""
        return self.size

    def apply(self, pixels: Pixels, out: Pixels) -> Pixels:
        """Calls the function; `out` is not used.

        Args:
            pixels: uint8 or uint16 (H, W, C).
            out: Any array.

        Returns:
            The result of the function: (height, width, C) of the same type.

        Raises:
            UsageError: If the function does not return an image of this type.
            CallError: If it fails.
        """
        function = self.call.function
        try:
            result = self._result(pixels)
        except Exception as error:
            raise CallError from error
        if (
            isinstance(result, np.ndarray)
            and result.dtype == pixels.dtype
            and result.shape[2:] == pixels.shape[2:]
        ):
            return result
        received = (
            f"{result.dtype} {result.shape}" if isinstance(result, np.ndarray) else type(result).__name__
        )
        msg = (
            f"a function in augment must return a {pixels.dtype} array (height, width, {pixels.shape[2]}). "
            f"Received: {received}, from {function!r}."
        )
        raise UsageError(msg)

    def _result(self, pixels: Pixels) -> object:
        return self.call.function(pixels)  # it may return anything


@dataclass(frozen=True)
class SeededCall(Call):
    """A transform of albumentations, which gets its seed from us: so it does the same in any thread or process."""

    draws: ClassVar[int] = 1

    @override
    def add_to(self, plan: PlanBuilder, rows: Integers, parameters: Floats) -> None:
        sizes = map(tuple, plan.size[rows].tolist())
        seeds = (parameters[:, 0] * 2**32).astype(np.int64).tolist()
        plan.append(
            self, rows, [SeededCallPass(self, size, seed) for size, seed in zip(sizes, seeds, strict=True)]
        )


@dataclass(frozen=True, slots=True)
class SeededCallPass(CallPass):
    """Calls such a transform on one image."""

    seed: int

    @override
    def _result(self, pixels: Pixels) -> object:
        transform: Any = self.call.function
        return transform(pixels, self.seed)


class Albumentations:
    """Calls a transform of albumentations by its convention: `transform(image=array)["image"]`.

    A transform has random generators of its own, so each thread has a copy of it. Picklable if the transform is.
    """

    def __init__(self, transform: Any) -> None:
        """Stores the transform: a `Compose`, or one by itself."""
        self._transform = transform
        self._local = threading.local()

    def __call__(self, pixels: Pixels, seed: int) -> object:
        """Returns the image that the transform makes, with its random numbers from a seed."""
        own = getattr(self._local, "transform", None)
        if own is None:
            own = self._local.transform = copy.deepcopy(self._transform)
        own.set_random_seed(seed)
        return own(image=pixels)["image"]

    def __repr__(self) -> str:
        """Shows the transform."""
        return repr(self._transform)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles the transform. The copy makes its own copies for threads."""
        return Albumentations, (self._transform,)


def make_call(function: Any, following: int) -> Call:
    """Makes the operation that calls a function of the user.

    Args:
        function: A function from image to image, or a transform of albumentations.
        following: Place in the program of the operation after it.
    """
    if is_from(function, "albumentations"):
        return SeededCall(Albumentations(function), following)  # type: ignore[arg-type]  # it takes a seed, too
    return Call(function, following)


def check_function(function: object, name: str) -> None:
    """Refuses what looks like a function of one image array, and is not.

    Args:
        function: What the user wrote.
        name: Where, for the message.

    Raises:
        UsageError: Naming it, and what works.
    """
    kind = type(function).__name__
    why = ""
    if is_from(function, "keras") and hasattr(function, "compute_output_shape"):
        why = (
            f"a Keras layer takes tensors. Put it into the model, or use fitfeed's augmentations, which have the names and "
            f"arguments of Keras' layers: from fitfeed import {kind if kind.startswith('Random') else 'RandomFlip'}"
        )
    elif is_from(function, "torch", "torchvision"):
        why = (
            "transforms of torchvision take PIL images or tensors. Use fitfeed's augmentations, or a function of your own that "
            "converts from and to arrays"
        )
    elif is_from(function, "albumentations") and not hasattr(function, "set_random_seed"):
        why = "this version of albumentations cannot be seeded for each image. Use albumentations 2"
    if why:
        msg = f"augment takes functions from one image array (height, width, channels) to another, and {why}. Received: {name}={function!r}."
        raise UsageError(msg)


def is_from(value: object, *packages: str) -> bool:
    """Returns whether a value is of a class of these packages, or of one that is derived from it. Imports nothing."""
    return any(kind.__module__.partition(".")[0] in packages for kind in type(value).__mro__)
