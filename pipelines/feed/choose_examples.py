"""Decides which examples a pipeline feeds, and how often: `examples=` and `sampling_weights=`."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.batches.sample_weights import first_impossible_weight
from fitfeed.pipelines.dataset import Dataset
from fitfeed.pipelines.options import PipelineOptions
from fitfeed.pipelines.reading.index_table import numbers_where
from fitfeed.pipelines.reading.records import Records
from fitfeed.schemas.errors import UsageError

MAX_SHOWN = 20
"""Names of columns in a message."""


@dataclass(frozen=True, kw_only=True)
class ExampleChoice:
    """The examples of an epoch.

    Attributes:
        total: How many examples the splits have.
        examples: int64 (n,), the chosen ones, each once. None: all of them.
        weights: float64 (n,), how often each is drawn, relative to the others. None: once in an epoch.
    """

    total: int
    examples: npt.NDArray[np.int64] | None
    weights: npt.NDArray[np.float64] | None

    def __len__(self) -> int:
        """Returns how many examples an epoch has."""
        return self.total if self.examples is None else len(self.examples)

    def identity(self) -> dict[str, str]:
        """Returns what a run that goes on must have, too, as plain JSON. Empty if nothing was chosen."""
        parts = {"examples": self.examples, "sampling_weights": self.weights}
        return {
            name: hashlib.blake2b(part.tobytes(), digest_size=16).hexdigest()
            for name, part in parts.items()
            if part is not None
        }


def choose_examples(dataset: Dataset, records: Records, options: PipelineOptions) -> ExampleChoice:
    """Checks and applies `examples=` and `sampling_weights=`.

    Args:
        dataset: The dataset.
        records: The examples of its splits.
        options: Options of the pipeline.

    Raises:
        UsageError: If nothing is chosen, or something that is not there, or if the weights do not fit.
    """
    chosen = None
    if options.examples is not None:
        chosen = _numbers(dataset, records, options.examples)
    weights = None
    if options.sampling_weights is not None:
        if chosen is not None:
            # Draws are spread evenly over this order, and the stored order is random.
            chosen = np.sort(chosen)
        weights = _weights(dataset, records, options.sampling_weights)
        weights = _checked(records, weights if chosen is None else weights[chosen], chosen)
    return ExampleChoice(total=len(records), examples=chosen, weights=weights)


def _numbers(dataset: Dataset, records: Records, examples: Any) -> npt.NDArray[np.int64]:
    import pyarrow.compute as pc  # takes 0.1 s

    there = f"the {len(records)} examples of {records.split!r}"
    if isinstance(examples, pc.Expression):
        numbers = numbers_where(dataset.index(list(records.splits)), examples)
        if not len(numbers):
            split = repr(records.split) if len(records.splits) == 1 else str(list(records.splits))
            msg = f"none of {there} is chosen. Received: examples={examples}. Look at the values in dataset.index({split})."
            raise UsageError(msg)
        return numbers
    given = _array("examples", examples)
    if not given.size:
        msg = f"examples chooses none of {there}. Received: examples={examples!r}. Expected at least one number."
        raise UsageError(msg)
    if given.ndim != 1 or not np.issubdtype(given.dtype, np.integer):
        hint = " Write numpy.flatnonzero(mask) for a mask." if given.dtype == bool else ""
        msg = (
            f"examples expects numbers of examples, or an expression of pyarrow.compute over dataset.index(...). "
            f"Received: {given.dtype} of shape {given.shape}.{hint}"
        )
        raise UsageError(msg)
    outside = (given < 0) | (given >= len(records))
    if outside.any():
        place = int(np.argmax(outside))
        msg = f"examples expects numbers of {there}: 0 to {len(records) - 1}. Received: examples[{place}]={given[place]}"
        raise UsageError(msg)
    numbers = given.astype(np.int64)
    seen = np.zeros(len(records), np.bool_)
    seen[numbers] = True
    if np.count_nonzero(seen) < len(numbers):
        first = np.unique(numbers, return_index=True)[1]  # takes ten times as long, and is not often needed
        place = int(np.setdiff1d(np.arange(len(numbers)), first)[0])
        msg = (
            f"examples expects each number once. Received: {numbers[place]} again, at examples[{place}]. Use "
            f"sampling_weights to draw some examples more often."
        )
        raise UsageError(msg)
    return numbers


def _weights(dataset: Dataset, records: Records, weights: Any) -> npt.NDArray[np.float64]:
    if isinstance(weights, str):
        table = dataset.index(list(records.splits))
        numeric = {
            name: column
            for name, column in zip(table.column_names, table.columns, strict=True)
            if _is_numeric(column)
        }
        if weights not in numeric:
            names = ", ".join(map(repr, list(numeric)[:MAX_SHOWN]))
            msg = f"sampling_weights names a column of numbers of dataset.index(...). Received: sampling_weights={weights!r}. It has: {names}."
            raise UsageError(msg)
        return np.asarray(numeric[weights]).astype(np.float64)
    given = _array("sampling_weights", weights)
    if given.shape != (len(records),) or given.dtype.kind not in "iufb":
        msg = (
            f"sampling_weights expects a number for each of the {len(records)} examples of {records.split!r}, also where "
            f"examples= chooses some of them, or the name of a column. Received: {given.dtype} of shape {given.shape}."
        )
        raise UsageError(msg)
    return given.astype(np.float64)


def _checked(
    records: Records, weights: npt.NDArray[np.float64], chosen: npt.NDArray[np.int64] | None
) -> npt.NDArray[np.float64]:
    place = first_impossible_weight(weights)
    if place is not None:
        example = place if chosen is None else int(chosen[place])
        msg = (
            f"sampling_weights expects finite numbers, 0 or more. Received: {weights[place]} for example {example} "
            f"({records.index.key(example)!r})"
        )
        raise UsageError(msg)
    if not weights.any():
        msg = f"sampling_weights are 0 for all of the {len(weights)} examples, so there is nothing to draw. Give some a weight above 0."
        raise UsageError(msg)
    return weights


def _array(name: str, given: Any) -> npt.NDArray[Any]:
    try:
        return np.asarray(given)
    except (
        TypeError,
        ValueError,
        OverflowError,
    ) as error:  # lists of different lengths, numbers above 64 bits
        msg = f"{name} expects numbers in one sequence. Received: {type(given).__name__}, of which NumPy says: {error}"
        raise UsageError(msg) from error


def _is_numeric(column: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_integer(column.type) or pa.types.is_floating(column.type))
