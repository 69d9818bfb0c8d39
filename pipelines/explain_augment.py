"""Prints what a list of augmentations compiles to."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from typing_extensions import override

from fitfeed.pipelines.arrays.types import Integers, Size
from fitfeed.pipelines.augment.base import Augmentation
from fitfeed.pipelines.augment.compiler.plan import FusionKind, Plan
from fitfeed.pipelines.augment.compiler.program import Resize, list_operations
from fitfeed.pipelines.augment.compiler.user_functions import Call, ImageFunction, SeededCall
from fitfeed.pipelines.augment.device_split import split
from fitfeed.pipelines.augment.ops.augmix import AugMix
from fitfeed.pipelines.augment.ops.filters import FilterAugmentation
from fitfeed.pipelines.augment.ops.mixup_cutmix import split_batch
from fitfeed.pipelines.augment.ops.rand_augment import Policy

COST = {
    FusionKind.GEOMETRY: "one resampling",
    FusionKind.COLOR: "one color matrix",
    FusionKind.TABLE: "one look-up table",
    FusionKind.HUE: "one pass over color, hue and saturation",
    FusionKind.UNFUSED: "alone",
}


class _Traced(Plan):
    """A plan for one image that also records which operations belong to which stretch."""

    def __init__(self, *, on_device: bool) -> None:
        super().__init__(np.array([[256, 256]]))
        self._on_device = on_device
        self.stretches: list[tuple[int, list[str]]] = []

    def note(self, op: Augmentation) -> None:
        """Records an operation whose effect depends on chance."""
        self._enter(FusionKind.UNFUSED, np.zeros(1, np.int64), op)
        self._open[0] = FusionKind.NONE

    @override
    def _enter(self, kind: int, rows: Integers, op: Augmentation) -> None:
        if not len(rows):
            return
        absorbs = kind == FusionKind.TABLE and self._open[0] == FusionKind.TABLE
        continues = self._open[0] == kind and kind != FusionKind.UNFUSED
        super()._enter(kind, rows, op)
        name = _name(op, on_device=self._on_device)
        if continues or absorbs:
            names = self.stretches[-1][1]
            self.stretches[-1] = (kind, names if names[-1] == name else [*names, name])
        else:
            self.stretches.append((kind, [name]))


def explain(
    augment: Sequence[Augmentation | ImageFunction],
    *,
    image_size: Size | None = None,
    augment_on: Literal["cpu", "device"] = "cpu",
) -> None:
    """Prints which augmentations fuse: one line for each pass over the pixels of an image.

    Args:
        augment: As for `make_pipeline`.
        image_size: As for `make_pipeline`.
        augment_on: As for `make_pipeline`.

    Raises:
        UsageError: If an item is neither an augmentation nor a function, if it comes after an operation
            that mixes batches, or if it cannot run on a device but should.

    Example:
        >>> explain([RandomFlip(), RandomRotation(0.1), RandomBrightness(0.2), RandomContrast((0.2, 0.2))])
        1. one resampling: RandomFlip, RandomRotation
        2. one color matrix: RandomBrightness, RandomContrast
    """
    each, mixes = split_batch(augment)
    mixing = (
        [f"with a partner in the batch: {', '.join(type(op).__name__ for _, op in mixes)}"] if mixes else []
    )
    if augment_on == "cpu":
        lines = _numbered([*_walks(each, image_size), *mixing])
    else:
        on_cpu, on_device = split(each, image_size)
        lines = [
            "on the CPU:",
            *_numbered(_walks(on_cpu, image_size)),
            "on the device:",
            *_numbered([*_walks(on_device, None, on_device=True), *mixing]),
        ]
    print("\n".join(lines))  # noqa: T201 - what it is for


def _numbered(walks: list[str]) -> list[str]:
    return [f"{number}. {walk}" for number, walk in enumerate(walks, start=1)] or ["nothing"]


def _walks(
    augment: Sequence[Augmentation | ImageFunction], image_size: Size | None, *, on_device: bool = False
) -> list[str]:
    plan, row = _Traced(on_device=on_device), np.zeros(1, np.int64)
    for _, op in list_operations(augment, image_size):
        if isinstance(op, Policy | FilterAugmentation):
            plan.note(op)
        else:
            op.add_to(plan, row, op.sample(np.full((1, op.draws), 0.5)))
    return [f"{COST[kind]}: {', '.join(names)}" for kind, names in plan.stretches]


def _name(op: Augmentation, *, on_device: bool) -> str:
    if isinstance(op, SeededCall):
        return f"{op.function!r}".partition("(")[0]
    if isinstance(op, Call):
        return getattr(op.function, "__name__", repr(op.function))
    if isinstance(op, Resize):
        return f"resizing to {op.size}"
    name = type(op).__name__
    if isinstance(op, AugMix):
        return f"{name} ({op.num_chains} chains, each compiled for each image, then blended)"
    if isinstance(op, Policy) and on_device:
        return f"{name} (each choice for all images, of which one is kept)"
    if isinstance(op, Policy):
        return f"{name} (chosen for each image, and compiled with its neighbors in the list)"
    return name
