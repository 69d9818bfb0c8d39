"""Integers whose JSON is made once, though it is asked for several times."""

from collections.abc import Iterable
from functools import cached_property
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from typing_extensions import override

from fitfeed.schemas.lazy_sequence import LazySequence


class IntegerColumn(LazySequence[int]):
    """A sequence of integers.

    Attributes:
        values: Any type of integers (values,).
    """

    def __init__(self, values: npt.NDArray[np.integer[Any]]) -> None:
        """Takes the integers."""
        self.values = values

    @classmethod
    def of(cls, values: Iterable[int]) -> "IntegerColumn":
        """Makes a column of any integers of 64 bits."""
        return cls(np.array(list(values), np.int64))

    @cached_property
    def texts(self) -> Any:
        """Them as decimal digits: an Arrow array of `large_string`; or one text where all are the same."""
        is_one = len(self.values) > 0 and self.values.min() == self.values.max()
        return str(self.values[0]) if is_one else pc.cast(pa.array(self.values), pa.large_string())

    @override
    def __len__(self) -> int:
        return len(self.values)

    @overload
    def __getitem__(self, place: int) -> int: ...

    @overload
    def __getitem__(self, place: slice) -> "IntegerColumn": ...

    @override
    def __getitem__(self, place: int | slice) -> "int | IntegerColumn":
        return IntegerColumn(self.values[place]) if isinstance(place, slice) else int(self.values[place])
