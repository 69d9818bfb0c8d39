"""Counts the examples that `on_error="skip"` leaves out, and logs each of them once."""

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.batches.writer_threads import Damaged
from fitfeed.schemas.errors import DamagedDatasetError, DamagedExampleError

MAX_LOGGED = 100
"""Warnings per split. If more examples are damaged, the disk is broken; the log should stay readable."""

_logger = logging.getLogger("fitfeed.pipelines")


class Skipped:
    """The examples of a split that were left out. Thread-safe.

    An example counts once, even if it is left out in several epochs, or by several pipelines of the same
    open dataset.
    """

    def __init__(self, split: str) -> None:
        """Starts without any example."""
        self._split = split
        self._rows: set[int] = set()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Returns how many different examples were left out."""
        return len(self._rows)

    def add(self, row: int, error: DamagedExampleError) -> None:
        """Adds an example, and logs a warning if it is new.

        Args:
            row: Row of the example in the index.
            error: Says what is wrong with it, and names shard, key and byte offset.
        """
        with self._lock:
            if row in self._rows:
                return
            self._rows.add(row)
            count = len(self._rows)
        if count <= MAX_LOGGED:
            _logger.warning("skipped an example of %r: %s", self._split, error)
        if count == MAX_LOGGED:
            _logger.warning(
                "skipped %d examples of %r; more will only be counted, in `skipped` of the open dataset",
                count,
                self._split,
            )


class SkippedOfSplits:
    """Records the examples that are left out of splits that are read as one. Thread-safe."""

    def __init__(self, of_split: Mapping[str, Skipped], place: Callable[[int], tuple[str, int]]) -> None:
        """Takes what records those of each split.

        Args:
            of_split: By the names of the splits.
            place: Returns the split of an example, and its row there.
        """
        self._of_split, self._place = of_split, place

    def add(self, example: int, error: DamagedExampleError) -> None:
        """Adds an example to those of its split; see `Skipped.add`."""
        split, row = self._place(example)
        self._of_split[split].add(row, error)


def kept_places(
    examples: npt.NDArray[np.int64], damaged: Damaged, skipped: SkippedOfSplits | None
) -> npt.NDArray[np.int64]:
    """Finds what is left of a batch without the damaged examples, and records those.

    Args:
        examples: int64 (n,), example numbers.
        damaged: The damaged examples by their places.
        skipped: Where they are recorded. None: nowhere.

    Returns:
        int64 (m,), ascending places.

    Raises:
        DamagedDatasetError: If nothing is left.
    """
    if skipped is not None:
        for place, error in damaged.items():
            skipped.add(int(examples[place]), error)
    kept = np.delete(np.arange(len(examples)), list(damaged))
    if not len(kept):
        first = damaged[0]
        msg = f"none of the {len(examples)} examples of a batch could be read, so the iteration cannot continue. The first: {first}"
        raise DamagedDatasetError(msg) from first
    return kept


def compacted(array: npt.NDArray[Any], kept: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Moves the kept rows of an array to its front, without other memory.

    Args:
        array: (n, ...) of any type. It is overwritten.
        kept: int64 (m,), ascending: which rows to keep.

    Returns:
        A view of `array`: (m, ...).
    """
    for place, row in enumerate(kept.tolist()):
        if place != row:
            array[place] = array[row]
    return array[: len(kept)]
