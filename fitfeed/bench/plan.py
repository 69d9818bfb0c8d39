"""What is to be measured: the pipeline that a training would have."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fitfeed.pipelines.feed.stored_images import describe_images
from fitfeed.pipelines.options import PipelineOptions
from fitfeed.pipelines.stages.changes import StoredImages
from fitfeed.pipelines.stages.feed_rates import Machinery
from fitfeed.schemas.cpus import available_cpus
from fitfeed.schemas.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fitfeed.pipelines import Augmentation, Dataset

BATCH_SIZE, SIDE = 32, 224
"""Of batches, and of images that are stored in different sizes, as in the lines that `fitfeed inspect` prints."""

LOOKED_AT = 64
"""Payloads whose format is looked at."""

DEFAULTS: dict[str, Any] = {
    "normalize": "zscore",
    "dtype": "float32",
    "label": None,
    "labels": "int",
    "label_smoothing": 0.0,
    "output": "tuple",
    "drop_remainder": None,
    "statistics": None,
    "examples": None,
    "sampling_weights": None,
    "sample_weight": None,
    "seed": 0,
    "shard": None,
    "start": (0, 0),
    "balance": None,
    "access": "auto",
    "on_error": "raise",
    "augment_on": "cpu",
    "transforms": False,
}
"""Of `make_pipeline`, for all that the command has no option for."""


@dataclass(frozen=True, kw_only=True)
class BenchPlan:
    """The pipeline that is measured.

    Attributes:
        split: Name of the split.
        batch_size: Examples per batch.
        image_size: (height, width) of the batch; None: as stored.
        augment: Augmentations, or functions of the user.
        dtype: Of the batch. uint8 is not normalized.
        processes: As for `make_pipeline`; None: as many as a long run comes to.
    """

    split: str
    batch_size: int
    image_size: tuple[int, int] | None
    augment: "Sequence[Any]" = ()
    dtype: str = "float32"
    processes: int | None = None

    def arguments(self, dataset: "Dataset") -> dict[str, Any]:
        """The arguments of `make_pipeline`."""
        integers = self.dtype in ("uint8", "uint16")
        return {
            "batch_size": self.batch_size,
            "image_size": self.image_size,
            "augment": list(self.augment),
            "dtype": self.dtype,
            "normalize": None if integers else "zscore",
            "labels": "int" if dataset.manifest.features.labels else None,
            "shuffle": True,
            "statistics": None if integers else [dataset.manifest.statistics.split],
            "processes": self.machinery(dataset).workers
            if self.machinery(dataset).kind == "processes"
            else 0,
        }

    def options(self, dataset: "Dataset", **changed: Any) -> PipelineOptions:
        """The same as checked options."""
        return PipelineOptions.of_split(self.split, **{**DEFAULTS, **self.arguments(dataset), **changed})

    def machinery(self, dataset: "Dataset") -> Machinery:
        """What executes the stages in a long run."""
        cpus, machine = available_cpus(), os.cpu_count() or 1
        processes = self.processes
        if processes is None:
            chosen: dict[str, Any] = {"batch_size": 1, "image_size": self.image_size, "augment": self.augment}
            others = {"normalize": None, "dtype": "uint8", "shuffle": True, "processes": None}
            processes = PipelineOptions.of_split(
                self.split, **{**DEFAULTS, **chosen, **others}
            ).worker_processes
        return Machinery(
            cpus=cpus,
            workers=processes or cpus,
            kind="processes" if processes else "threads",
            machine_cpus=machine,
        )


def make_plan(
    dataset: "Dataset",
    *,
    split: str | None = None,
    batch_size: int | None = None,
    image_size: tuple[int, int] | None = None,
    augment: "Sequence[Augmentation]" = (),
    dtype: str = "float32",
    processes: int | None = None,
) -> BenchPlan:
    """Fills in what was not said.

    Args:
        dataset: The dataset.
        split: None: train, or the only one.
        batch_size: None: 32, or all examples where there are fewer.
        image_size: None: as stored, or 224 x 224 where images are stored in different sizes.
        augment: Augmentations.
        dtype: float32, bfloat16, float16 or uint8.
        processes: As for `make_pipeline`.

    Raises:
        UsageError: If there is no such split, or it is empty or smaller than a batch.
    """
    split = split or ("train" if "train" in dataset.splits else next(iter(dataset.splits)))
    records = dataset.records(split)
    if not len(records):
        msg = f"split {split!r} has no examples, so there is nothing to measure. Name another: --split {' or '.join(dataset.splits)}."
        raise UsageError(msg)
    if batch_size is not None and batch_size > len(records):
        msg = f"a batch is larger than split {split!r}, which has {len(records)} examples. Received: --batch-size {batch_size}. Use a smaller one."
        raise UsageError(msg)
    if image_size is None and records.common_size is None:
        image_size = (SIDE, SIDE)
    return BenchPlan(
        split=split,
        batch_size=batch_size or min(BATCH_SIZE, len(records)),
        image_size=image_size,
        augment=augment,
        dtype=dtype,
        processes=processes,
    )


def stored_images(dataset: "Dataset", plan: BenchPlan) -> StoredImages:
    """What is known of the images that the plan feeds."""
    return describe_images(
        dataset.records(plan.split),
        image_size=plan.image_size,
        normalizes=plan.dtype not in ("uint8", "uint16"),
        augment=plan.augment,
        looked_at=LOOKED_AT,
    )
