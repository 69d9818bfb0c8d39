"""What is to be measured: the pipeline that a training would have."""

import inspect
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fitfeed.pipelines import make_pipeline
from fitfeed.pipelines.feed.batch_maker import BatchMaker
from fitfeed.pipelines.feed.stored_images import describe_images
from fitfeed.pipelines.options import PipelineOptions
from fitfeed.pipelines.stages.changes import StoredImages
from fitfeed.pipelines.stages.feed_rates import Machinery
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.split_names import default_split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fitfeed.pipelines import Augmentation, Dataset

BATCH_SIZE, SIDE = 32, 224
"""Of batches, and of images that are stored in different sizes, as in the lines that `fitfeed inspect` prints."""

LOOKED_AT = 64
"""Payloads whose format is looked at."""

DEFAULTS: dict[str, Any] = {
    name: parameter.default
    for name, parameter in inspect.signature(make_pipeline).parameters.items()
    if parameter.default is not inspect.Parameter.empty and not name.startswith("cache")
}
"""Of `make_pipeline`, but for what opens the dataset: for all that the command has no option for."""


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
        """The arguments of `make_pipeline`. Workers that a long run comes to are there from the first batch on."""
        machinery, processes = self.machinery(dataset), self.processes
        if processes is None and not machinery.copies:
            processes = machinery.workers if machinery.kind == "processes" else 0
        return {**self._chosen(dataset), "processes": processes}

    def _chosen(self, dataset: "Dataset") -> dict[str, Any]:
        """The arguments that do not depend on the machine."""
        return {
            "batch_size": self.batch_size,
            "image_size": self.image_size,
            "augment": list(self.augment),
            "dtype": self.dtype,
            "normalize": "zscore" if self.normalizes else None,
            "labels": "int" if dataset.manifest.features.labels else None,
            "shuffle": True,
            "statistics": [dataset.manifest.statistics.split] if self.normalizes else None,
        }

    def options(self, dataset: "Dataset", **changed: Any) -> PipelineOptions:
        """The same as checked options."""
        return PipelineOptions.of_split(self.split, **{**DEFAULTS, **self.arguments(dataset), **changed})

    def maker(self, dataset: "Dataset") -> BatchMaker:
        """What makes the batches, in this process."""
        return self._maker(dataset, processes=0)

    def machinery(self, dataset: "Dataset") -> Machinery:
        """What executes the stages in a long run: as `make_pipeline` decides it."""
        return self._maker(dataset, processes=self.processes).machinery

    def _maker(self, dataset: "Dataset", *, processes: int | None) -> BatchMaker:
        """What makes the batches. It is silent about a constant channel, which the pipeline itself warns of."""
        given = {**DEFAULTS, **self._chosen(dataset), "processes": processes}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return BatchMaker(dataset, self.split, PipelineOptions.of_split(self.split, **given))

    @property
    def normalizes(self) -> bool:
        """Whether the batch has floats."""
        return self.dtype not in ("uint8", "uint16")


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
    split = split or default_split(dataset.splits)
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
        normalizes=plan.normalizes,
        dtype=plan.dtype,
        augment=plan.augment,
        looked_at=LOOKED_AT,
    )
