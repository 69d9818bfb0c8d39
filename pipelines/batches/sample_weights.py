"""The weight of each example in the loss: a label column that `fit` gets as the third element."""

from typing import Any

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.reading.records import Records
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.features import Features

KINDS = ("float", "int")
NAME = "sample_weight"
"""Name of the array in a batch. No label can have it."""


class SampleWeights:
    """Reads the weights of a batch. Immutable, thread-safe."""

    def __init__(
        self, records: Records, features: Features, name: str, chosen: npt.NDArray[np.int64] | None
    ) -> None:
        """Checks that the column has weights.

        Args:
            records: The examples.
            features: Features of the dataset.
            name: Name of the column.
            chosen: int64 (n,), the examples that are used. None: all.

        Raises:
            UsageError: If it is not a label of numbers, or one of them is negative or not finite.
        """
        kinds = features.label_kinds
        if kinds.get(name) not in KINDS:
            there = ", ".join(label for label, kind in kinds.items() if kind in KINDS) or "none"
            msg = (
                f"sample_weight names a label of kind float or int. Received: sample_weight={name!r}. This dataset has: "
                f"{there}. Name one of them, or convert with a column of weights: --label-column COLUMN:float."
            )
            raise UsageError(msg)
        self._column = records.index.labels[name]
        weights = np.asarray(self._column) if chosen is None else self._column[chosen]
        place = first_impossible_weight(weights)
        if place is not None:
            example = place if chosen is None else int(chosen[place])
            msg = (
                f"sample_weight expects finite numbers, 0 or more. Received: {weights[place]} in the column {name!r} of "
                f"example {example} ({records.index.key(example)!r}). Mend the table and convert again, or leave the "
                f"example out by examples=."
            )
            raise UsageError(msg)

    def read(self, examples: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Returns the weights of some examples: float32 (n,)."""
        weights: npt.NDArray[np.float32] = self._column[examples].astype(np.float32)
        return weights


def first_impossible_weight(weights: npt.NDArray[Any]) -> int | None:
    """Where the first weight (n,) is that is negative or not finite; None if there is none."""
    wrong = ~(np.isfinite(weights) & (weights >= 0))
    return int(np.argmax(wrong)) if wrong.any() else None
