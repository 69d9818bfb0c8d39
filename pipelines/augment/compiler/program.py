"""Compiles a list of augmentations for a batch, and executes the result on one image after the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from fitfeed.pipelines.arrays.buffer_pool import SCRATCH
from fitfeed.pipelines.arrays.types import Floats, Integers, Size
from fitfeed.pipelines.augment.base import Augmentation, PixelPass
from fitfeed.pipelines.augment.compiler.geometry import GeometricAugmentation, Geometry
from fitfeed.pipelines.augment.compiler.plan import Plan
from fitfeed.pipelines.augment.compiler.user_functions import Call, CallPass, ImageFunction, make_call
from fitfeed.pipelines.augment.cpu.interpolation import Sampling
from fitfeed.pipelines.augment.cpu.resample import CropResize, resample_nearest
from fitfeed.pipelines.order.counter_rng import fold_in, uniforms
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.payload import DecodedPayload, Pixels

MASK_SAMPLING = Sampling("nearest", "constant", 0.0)
"""How pixels of masks are fetched. Outside a mask is class 0."""


@dataclass(frozen=True)
class Resize(GeometricAugmentation):
    """Resizes to the `image_size` of the pipeline, after all operations that may change the size."""

    size: Size

    @override
    def move(self, geometry: Geometry, parameters: Floats, *, image_size: Size | None) -> Geometry:
        if (geometry.size == self.size).all():  # a random crop has this size already
            return geometry
        return geometry.resize(*self.size)

    @override
    def output_size(self, size: Size, *, image_size: Size | None) -> Size:
        """Returns that size."""
        return self.size


@dataclass(frozen=True, kw_only=True)
class CompiledBatch:
    """The passes of n images of a batch, with all random decisions made.

    There is one for a batch, so images, masks and transforms are moved by the same draws. It samples and
    compiles when it is first asked for passes: nobody asks where worker processes do that for themselves.

    Attributes:
        program: What happens to each image.
        epoch: Number of the epoch.
        rng_index: int64 (n,), numbers that augmentations are sampled by.
        sizes: int64 (n, 2), stored heights and widths.
    """

    program: "Program"
    epoch: int
    rng_index: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]

    @cached_property
    def passes(self) -> list[list[PixelPass]]:
        """The passes of each image, in order. Ask once before several threads do: there is no lock."""
        return self.program.passes_from(0, self.epoch, self.rng_index, self.sizes)

    @cached_property
    def views(self) -> list[CropResize]:
        """The first geometry of each image: the source box, and its output size."""
        return [
            passes[0] if passes and isinstance(passes[0], CropResize) else CropResize.whole(*size)
            for passes, size in zip(self.passes, self.sizes.tolist(), strict=True)
        ]


class Program:
    """Turns a decoded image into an image of the batch. Thread-safe.

    Attributes:
        identity: Whether images stay as they are.
        image_size: Final (height, width), if given.
        moves_masks: Whether masks can follow their images; they cannot if the list has functions.
        recolors: Whether an image may get a `ColorPass`.
    """

    def __init__(
        self, augment: Sequence[Augmentation | ImageFunction], *, image_size: Size | None, seed: int
    ) -> None:
        """Stores a list as operations.

        Args:
            augment: Operations in order. Each gets the result of the one before it.
            image_size: Final (height, width). Images are resized to it after the last geometric
                operation or function. None: the size that the list makes of the stored size.
            seed: The run's seed.

        Raises:
            UsageError: If an item is neither an augmentation nor a function.
        """
        self.image_size, self._seed = image_size, seed
        self._ops = list_operations(augment, image_size)
        self.identity = not augment and image_size is None
        self.moves_masks = not any(isinstance(op, Call) for _, op in self._ops)
        self.recolors = any(op.recolors for _, op in self._ops)

    def output_size(self, size: Size) -> Size:
        """Returns (height, width) of the output for a stored size. Functions are assumed to keep it."""
        for _, op in self._ops:
            size = op.output_size(size, image_size=self.image_size)
        return size

    def sample(self, epoch: int, examples: npt.NDArray[np.int64]) -> list[Floats]:
        """Samples the parameters of a batch: a pure function of (seed, epoch, example).

        Args:
            epoch: Number of the epoch.
            examples: int64 (n,), numbers to sample by.

        Returns:
            For each operation of the program, float64 (n, parameters).
        """
        return sample(self._ops, self._seed, epoch, examples)

    def compile(
        self,
        epoch: int,
        rng_index: npt.NDArray[np.int64],
        *,
        heights: npt.NDArray[Any],
        widths: npt.NDArray[Any],
    ) -> CompiledBatch:
        """Makes what samples the parameters of a batch, and compiles them to passes.

        Args:
            epoch: Number of the epoch.
            rng_index: int64 (n,), numbers to sample by.
            heights: Integers (n,), stored heights.
            widths: Integers (n,), stored widths.
        """
        sizes = np.empty((len(rng_index), 2), np.int64)
        sizes[:, 0], sizes[:, 1] = heights, widths
        return CompiledBatch(program=self, epoch=epoch, rng_index=rng_index, sizes=sizes)

    def render(
        self,
        stored: DecodedPayload | Pixels,
        compiled: CompiledBatch,
        i: int,
        *,
        size: Size,
        out: Pixels | None = None,
    ) -> Pixels:
        """Executes the list on one image.

        Args:
            stored: The stored image, uint8 or uint16 (H, W, C), or the decoded part of it: rows that
                its geometry does not show may be missing. It is not changed.
            compiled: The compiled batch.
            i: Place of the image in the batch.
            size: (height, width) that the output must have.
            out: (*size, C) of the same type, C-contiguous, to be written. None: a new array.

        Returns:
            `out`.

        Raises:
            UsageError: If a function does not return an image, or returns one of another size.
            CallError: If a function fails.
        """
        passes = compiled.passes[i]
        pixels, first, shrink = stored if isinstance(stored, DecodedPayload) else DecodedPayload(stored)
        if out is None:
            out = np.empty((*size, pixels.shape[2]), pixels.dtype)
        if first or shrink != 1:
            rest = passes[1:] if passes and isinstance(passes[0], CropResize) else passes
            passes = [compiled.views[i].within(first, shrink), *rest]
        result = self._run(pixels, passes, compiled, i, out=out)
        if result.shape[:2] != size:
            msg = f"a function in augment changed the image size to {result.shape[:2]}, but {size} is expected. Pass image_size."
            raise UsageError(msg)
        if result is not out:
            np.copyto(out, result)
        return out

    def render_mask(
        self, mask: Pixels, compiled: CompiledBatch, i: int, *, size: Size, out: Pixels | None = None
    ) -> Pixels:
        """Moves a mask as its image is moved. Outside of it is 0.

        Args:
            mask: uint8 (H, W, 1), of the size of the stored image. It is not changed.
            compiled: The compiled batch.
            i: Place of the image in the batch.
            size: (height, width) of the output.
            out: uint8 (*size, 1), C-contiguous, to be written. None: a new array, or `mask` itself.

        Returns:
            uint8 (*size, 1), with values of `mask` and 0 only; `out` if given.
        """
        for one in compiled.passes[i]:
            if isinstance(one, CropResize):
                mask = resample_nearest(mask, one, MASK_SAMPLING)
        if out is None:
            return mask
        np.copyto(out, mask)
        return out

    def passes_from(
        self, first: int, epoch: int, rng_index: npt.NDArray[np.int64], sizes: Integers
    ) -> list[list[PixelPass]]:
        """Compiles the program from operation number `first` on, for images of sizes int64 (n, 2)."""
        plan = Plan(sizes, image_size=self.image_size)
        rows = np.arange(len(sizes))
        for (_, op), parameters in list(zip(self._ops, self.sample(epoch, rng_index), strict=True))[first:]:
            op.add_to(plan, rows, parameters)
        return plan.finish()

    def _run(
        self, pixels: Pixels, passes: list[PixelPass], compiled: CompiledBatch, i: int, *, out: Pixels
    ) -> Pixels:
        # A pass that moves pixels cannot write where it reads, and a function may keep its argument or its
        # result. So `out` is used from the last such pass on, and the passes after it work in place.
        last = max((n for n, one in enumerate(passes) if isinstance(one, CropResize | CallPass)), default=0)
        ours = False  # whether `pixels` may be written to
        for number, one in enumerate(passes):
            if isinstance(one, CallPass):
                pixels, ours = one.apply(pixels, pixels), False
                size = pixels.shape[:2]
                if size != one.size:
                    own = compiled.rng_index[i : i + 1]
                    (rest,) = self.passes_from(one.call.next, compiled.epoch, own, np.array([size]))
                    return self._run(pixels, rest, compiled, i, out=out)
                continue
            shape = (*one.size_of(pixels), pixels.shape[2])
            if number >= last and out.shape == shape:
                target = out
            elif ours and not isinstance(one, CropResize):
                target = pixels
            else:
                target = SCRATCH.take(
                    f"pass {number % 2}", shape, pixels.dtype
                )  # the pass may read from the other one
            pixels, ours = one.apply(pixels, target), True
        return pixels


def sample(
    ops: Sequence[tuple[int, Augmentation]], seed: int, epoch: int, examples: npt.NDArray[np.int64]
) -> list[Floats]:
    """Samples the parameters of operations: a pure function of the arguments.

    Args:
        ops: Operations, each with its place in the user's list.
        seed: The run's seed.
        epoch: Number of the epoch.
        examples: int64 (n,), numbers to sample by.

    Returns:
        For each operation, float64 (n, parameters).
    """
    if not ops:
        return []
    keys = np.concatenate([fold_in("augment", seed, epoch, place) for place, _ in ops])
    drawn = uniforms(keys, examples, draws=[op.draws for _, op in ops])
    return [op.sample(numbers) for (_, op), numbers in zip(ops, drawn, strict=True)]


def list_operations(
    augment: Sequence[Augmentation | ImageFunction], image_size: Size | None
) -> list[tuple[int, Augmentation]]:
    """Turns the user's list into operations with their places in it, and inserts the resizing.

    Args:
        augment: Augmentations and functions, in order.
        image_size: Final (height, width). None: no resizing.

    Raises:
        UsageError: If an item is neither an augmentation nor a function.
    """
    ops: list[tuple[int, Augmentation]] = []
    resizing = 0  # place of the resize
    items: Sequence[object] = augment  # the user's list may hold anything
    for place, op in enumerate(items):
        if isinstance(op, Augmentation):
            ops.append((place, op))
        elif callable(op):
            ops.append((place, make_call(op, place + 1)))
        else:
            msg = (
                f"augment[{place}] is neither an augmentation nor a function of one image. Received: {op!r}."
            )
            raise UsageError(msg)
        if isinstance(ops[-1][1], GeometricAugmentation | Call):
            resizing = place + 1
    if image_size is not None:
        # It comes after the last operation that moves pixels, so that it fuses with it. Operations on
        # colors after it then work on the final size. Functions may change the size themselves.
        ops.insert(resizing, (len(augment), Resize(image_size)))
    return ops
