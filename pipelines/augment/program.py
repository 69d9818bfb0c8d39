"""A list of augmentations, compiled: geometry runs together into one resampling per stretch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.augment.base import Augmentation, GeometricAugmentation, Size
from pipelines.augment.geometry import Geometry, View, resample
from pipelines.augment.nearest import resample_nearest
from pipelines.hashing import hash_key, uniform
from pipelines.portion import shrunk
from schemas.codec import Pixels
from schemas.errors import UsageError

ImageFunction = Callable[[Pixels], Pixels]
"""Any function from one uint8 (H, W, C) array to another. It is called from several threads."""

Uniforms = list[npt.NDArray[np.float64]]
"""For each geometric augmentation of a stage, float64 (n, draws)."""


@dataclass(frozen=True)
class Stage:
    """Geometric augmentations that are sampled together, and the function that comes after them.

    Attributes:
        moves: (place in the user's list, augmentation).
        function: None in the last stage.
    """

    moves: tuple[tuple[int, GeometricAugmentation], ...]
    function: ImageFunction | None


@dataclass(frozen=True, kw_only=True)
class Draws:
    """All that is random about n images, and the geometry that follows from it.

    Attributes:
        views: Geometry of the first stage, which depends on nothing but stored sizes.
        later: For each later stage, its uniform numbers: after a function, sizes are only known
            once it has run.
    """

    views: list[View]
    later: list[Uniforms] = field(default_factory=list)


class Program:
    """What happens between a decoded image and its place in the batch. Thread-safe.

    Attributes:
        identity: Whether that is nothing at all.
        image_size: Final (height, width), if given.
    """

    def __init__(
        self, augment: Sequence[Augmentation | ImageFunction], *, image_size: Size | None, seed: int
    ) -> None:
        """Compiles a list.

        Args:
            augment: In order. Functions split the geometry: each sees what stands before it.
            image_size: Final (height, width). None: whatever the list makes of the stored size.
            seed: The run's seed.
        """
        self.image_size, self._seed = image_size, seed
        self._stages = _stages(augment)
        self.identity = not augment and image_size is None

    def output_size(self, size: Size) -> Size:
        """(height, width) that images of one stored size come out with. Functions are taken to keep it."""
        if self.image_size is not None:
            return self.image_size
        for stage in self._stages:
            for _, move in stage.moves:
                size = move.output_size(size, image_size=None)
        return size

    def draw(
        self,
        epoch: int,
        examples: npt.NDArray[np.int64],
        *,
        heights: npt.NDArray[Any],
        widths: npt.NDArray[Any],
    ) -> Draws:
        """Draws the parameters of a batch: a pure function of (seed, epoch, example).

        Args:
            epoch: Number of the epoch.
            examples: int64 (n,), example numbers.
            heights: Stored sizes, (n,).
            widths: Stored sizes, (n,).
        """
        uniforms = [
            [
                uniform(hash_key("augment", self._seed, epoch, place), examples, draws=op.draws)
                for place, op in stage.moves
            ]
            for stage in self._stages
        ]
        geometry = self._geometry(0, Geometry.whole(heights, widths), uniforms[0])
        return Draws(views=geometry.rows(), later=uniforms[1:])

    def render(
        self,
        pixels: Pixels,
        draws: Draws,
        i: int,
        *,
        size: Size,
        out: Pixels | None = None,
        shrink: int = 1,
    ) -> Pixels:
        """Executes the list on one image.

        Args:
            pixels: uint8 (H, W, C): the stored image, of which rows at the bottom that its view does
                not show may be missing.
            draws: Of its batch.
            i: Its place in the batch.
            size: (height, width) that must come out.
            out: uint8 (*size, C), C-contiguous: where to write. None: a new array, or a view of
                `pixels`.
            shrink: How many times smaller than stored `pixels` are.

        Returns:
            uint8 (*size, C); `out` if given.

        Raises:
            UsageError: If a function does not return an image, or not one of the right size.
        """
        view = shrunk(draws.views[i], shrink)
        for number, stage in enumerate(self._stages):
            if number:
                geometry = Geometry.whole([pixels.shape[0]], [pixels.shape[1]])
                rows = [values[i : i + 1] for values in draws.later[number - 1]]
                (view,) = self._geometry(number, geometry, rows).rows()
            if stage.function is not None:
                pixels = _call(stage.function, resample(pixels, view))
        if view.size != size:
            msg = f"a function in augment changed the image size to {view.size}, but {size} is expected. Pass image_size."
            raise UsageError(msg)
        return resample(pixels, view, out)

    def render_mask(
        self, mask: Pixels, draws: Draws, i: int, *, size: Size, out: Pixels | None = None
    ) -> Pixels:
        """Moves a mask as `render` moves its image.

        Args:
            mask: uint8 (H, W, 1), as stored, of its image's size.
            draws: Of its batch.
            i: Its place in the batch.
            size: (height, width) that must come out.
            out: uint8 (*size, 1), where to write. None: a new array.

        Returns:
            uint8 (*size, 1), values that the mask has; `out` if given.

        Raises:
            UsageError: If the list has a function, which moves images only.
        """
        view = draws.views[i]
        if len(self._stages) > 1 or view.size != size:
            msg = f"masks cannot be moved by functions in augment, and come out {view.size}, not {size}."
            raise UsageError(msg)
        return resample_nearest(mask, view, out)

    def _geometry(self, number: int, geometry: Geometry, uniforms: Uniforms) -> Geometry:
        stage = self._stages[number]
        for (_, move), values in zip(stage.moves, uniforms, strict=True):
            geometry = move.move(geometry, values, image_size=self.image_size)
        if stage.function is None and self.image_size is not None:
            geometry = geometry.resize(*self.image_size)
        return geometry


def _stages(augment: Sequence[Augmentation | ImageFunction]) -> list[Stage]:
    """Cuts the list behind each function; the last stage is the one without."""
    stages: list[Stage] = []
    moves: list[tuple[int, GeometricAugmentation]] = []
    for place, op in enumerate(augment):
        if isinstance(op, GeometricAugmentation):
            moves.append((place, op))
        elif callable(op):
            stages.append(Stage(tuple(moves), op))
            moves = []
        else:
            msg = (
                f"augment[{place}] is neither an augmentation nor a function of one image. Received: {op!r}."
            )
            raise UsageError(msg)
    return [*stages, Stage(tuple(moves), None)]


def _call(function: ImageFunction, pixels: Pixels) -> Pixels:
    result: object = function(pixels)  # a user's, which may return anything
    if isinstance(result, np.ndarray) and result.dtype == np.uint8 and result.shape[2:] == pixels.shape[2:]:
        return result
    received = f"{result.dtype} {result.shape}" if isinstance(result, np.ndarray) else type(result).__name__
    msg = (
        f"a function in augment must return a uint8 array (height, width, {pixels.shape[2]}). "
        f"Received: {received}, from {function!r}."
    )
    raise UsageError(msg)
