"""An `ImageLoader` with all that it needs, so that a test can load images by their numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines import Dataset
from fitfeed.pipelines.augment.compiler.program import Program
from fitfeed.pipelines.batches.image_loader import ImageLoader
from fitfeed.pipelines.batches.normalize import Normalizer
from fitfeed.pipelines.batches.renderer import compile_batch
from fitfeed.pipelines.batches.writer_threads import Damaged, WriterThreads
from fitfeed.pipelines.order.batch_request import BatchRequest


class Loading:
    """Loads images of the split "train" of a dataset."""

    def __init__(
        self,
        dataset: Dataset,
        program: Program,
        normalizer: Normalizer | None = None,
        *,
        batch_size: int = 53,
        dtype: npt.DTypeLike = "uint8",
        threads: int | None = None,
        skips: bool = False,
        processes: int = 0,
        late: bool = False,
        epoch_images: int = 0,
    ) -> None:
        self.records, self.program = dataset.records("train"), program
        self.loader = ImageLoader(
            self.records,
            program,
            normalizer,
            batch_size=batch_size,
            dtype=dtype,
            threads=WriterThreads(threads, skips=skips),
            processes=processes,
            late=late,
            epoch_images=epoch_images,
        )

    @property
    def pids(self) -> list[int]:
        """Process ids of its workers."""
        assert self.loader._processes is not None
        return self.loader._processes.pids

    def load(
        self, epoch: int, examples: npt.NDArray[np.int64], payloads: Sequence[bytes] | None = None
    ) -> npt.NDArray[Any]:
        """The images of some examples."""
        return self.load_damaged(epoch, examples, payloads)[0]

    def load_damaged(
        self, epoch: int, examples: npt.NDArray[np.int64], payloads: Sequence[bytes] | None = None
    ) -> tuple[npt.NDArray[Any], Damaged]:
        """The images of some examples, and which of them are damaged."""
        compiled = compile_batch(self.program, self.records, epoch, examples, examples)
        return self.loader.load(BatchRequest(epoch, 0, examples, examples, payloads), compiled)
