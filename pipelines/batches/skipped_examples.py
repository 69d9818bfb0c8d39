"""What `on_error="skip"` leaves out: counted, and said once."""

import logging
import threading
from typing import Any

import numpy as np
import numpy.typing as npt

from fitfeed.schemas.errors import DamagedExampleError

MAX_LOGGED = 100
"""So many warnings per split; where there are more, the disk is broken, and the log should stay readable."""

_logger = logging.getLogger("fitfeed.pipelines")


class Skipped:
    """The examples of a split that were left out. Thread-safe.

    An example that is met again, in the next epoch or by another pipeline of the same open dataset,
    counts once.
    """

    def __init__(self, split: str) -> None:
        """Starts with none."""
        self._split = split
        self._rows: set[int] = set()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many different examples."""
        return len(self._rows)

    def add(self, row: int, error: DamagedExampleError) -> None:
        """Notes one, and warns of it where it is new.

        Args:
            row: Its row in the index.
            error: Which says what is wrong with it, naming shard, key and byte offset.
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


def compacted(array: npt.NDArray[Any], kept: npt.NDArray[np.bool_]) -> npt.NDArray[Any]:
    """Closes the gaps in an array, in its own memory.

    Args:
        array: (n, ...), overwritten.
        kept: bool (n,).

    Returns:
        The first part of `array`: (number kept, ...).
    """
    rows = np.flatnonzero(kept)
    for place, row in enumerate(rows.tolist()):
        if place != row:
            array[place] = array[row]
    return array[: len(rows)]
