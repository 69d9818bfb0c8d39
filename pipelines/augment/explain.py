"""What a list of augmentations compiles to, in words."""

from collections.abc import Sequence

import numpy as np

from pipelines.augment.augmix import AugMix
from pipelines.augment.base import Augmentation, Integers, Size
from pipelines.augment.filters import FilterAugmentation
from pipelines.augment.mix import split_batch
from pipelines.augment.plan import Kind, Plan
from pipelines.augment.policies import Policy
from pipelines.augment.program import Call, ImageFunction, Resize, list_operations

COST = {
    Kind.GEOMETRY: "one resampling",
    Kind.COLOR: "one colour matrix",
    Kind.TABLE: "one look-up table",
    Kind.HUE: "once through hue and saturation",
    Kind.ALONE: "alone",
}


class _Traced(Plan):
    """A plan for one image that notes which operations come into which stretch."""

    def __init__(self) -> None:
        super().__init__(np.array([[256, 256]]))
        self.stretches: list[tuple[Kind, list[str]]] = []

    def note(self, op: Augmentation) -> None:
        """Adds an operation of which only chance knows what it does."""
        self._enter(Kind.ALONE, np.zeros(1, np.int64), op)
        self._open[0] = Kind.NONE

    def _enter(self, kind: Kind, rows: Integers, op: Augmentation) -> None:
        if not len(rows):
            return
        absorbs = kind == Kind.TABLE and self._open[0] == Kind.TABLE
        continues = self._open[0] == kind and kind != Kind.ALONE
        super()._enter(kind, rows, op)
        name = _name(op)
        if continues or absorbs:
            names = self.stretches[-1][1]
            self.stretches[-1] = (kind, names if names[-1] == name else [*names, name])
        else:
            self.stretches.append((kind, [name]))


def explain(augment: Sequence[Augmentation | ImageFunction], *, image_size: Size | None = None) -> None:
    """Prints which augmentations fuse: a line for each walk over an image's pixels.

    Args:
        augment: As for `make_pipeline`.
        image_size: As for `make_pipeline`.

    Raises:
        UsageError: If something in the list is neither an augmentation nor a function, or comes after
            what mixes batches.

    Example:
        >>> explain([RandomFlip(), RandomRotation(0.1), RandomBrightness(0.2), RandomContrast((0.2, 0.2))])
        1. one resampling: RandomFlip, RandomRotation
        2. one colour matrix: RandomBrightness, RandomContrast
    """
    plan, row = _Traced(), np.zeros(1, np.int64)
    each, mixes = split_batch(augment)
    for _, op in list_operations(each, image_size):
        if isinstance(op, Policy | FilterAugmentation):
            plan.note(op)
        else:
            op.add_to(plan, row, op.sample(np.full((1, op.draws), 0.5)))
    walks = [(COST[kind], names) for kind, names in plan.stretches]
    if mixes:
        walks.append(("with a partner in the batch", [_name(op) for _, op in mixes]))
    lines = [f"{number}. {cost}: {', '.join(names)}" for number, (cost, names) in enumerate(walks, start=1)]
    print("\n".join(lines or ["nothing"]))  # noqa: T201 - what it is for


def _name(op: Augmentation) -> str:
    if isinstance(op, Call):
        return getattr(op.function, "__name__", repr(op.function))
    if isinstance(op, Resize):
        return f"resizing to {op.size}"
    name = type(op).__name__
    if isinstance(op, AugMix):
        return f"{name} ({op.num_chains} chains, each compiled for each image, then blended)"
    if isinstance(op, Policy):
        return f"{name} (chosen for each image, and compiled with what stands beside it)"
    return name
