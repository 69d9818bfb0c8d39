"""A column of few different names, as numbers: ten million take ten megabytes, and not eighty."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar, overload

import numpy as np
import numpy.typing as npt
from typing_extensions import override

Name = TypeVar("Name", bound=str | None)
NewName = TypeVar("NewName", bound=str | None)


class Categories(Sequence[Name], Generic[Name]):
    """A sequence of names, or of names and None.

    Attributes:
        names: The different ones.
        numbers: unsigned (values,): which of them each value is.
    """

    def __init__(self, names: Sequence[Name], numbers: npt.ArrayLike) -> None:
        """Takes the names, and the number of each value."""
        self.names = list(names)
        self.numbers: npt.NDArray[np.unsignedinteger[Any]] = np.asarray(numbers).astype(
            np.min_scalar_type(max(0, len(self.names) - 1)), copy=False
        )

    @classmethod
    def of(cls, values: Iterable[Name]) -> "Categories[Name]":
        """Numbers names by their first occurrence."""
        if isinstance(values, Categories):
            return values
        number_of: dict[Name, int] = {}
        numbers = np.fromiter((number_of.setdefault(value, len(number_of)) for value in values), np.int32)
        return cls(list(number_of), numbers)

    @override
    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, place: int) -> Name: ...

    @overload
    def __getitem__(self, place: slice) -> "Categories[Name]": ...

    @override
    def __getitem__(self, place: int | slice) -> "Name | Categories[Name]":
        if isinstance(place, slice):
            return Categories(self.names, self.numbers[place])
        return self.names[int(self.numbers[place])]

    @override
    def __iter__(self) -> Iterator[Name]:
        return map(self.names.__getitem__, self.numbers.tolist())

    @override
    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    @override
    def __repr__(self) -> str:
        return f"{type(self).__name__}.of({list(self)})"

    def take(self, places: npt.ArrayLike) -> "Categories[Name]":
        """The values at some places, in their order."""
        return Categories(self.names, self.numbers[np.asarray(places, np.int64)])

    def renamed(self, names: Sequence[NewName]) -> "Categories[NewName]":
        """The same with another name for each of the names. Those with the same one become one."""
        number_of = {name: number for number, name in enumerate(dict.fromkeys(names))}
        new = np.array([number_of[name] for name in names], np.min_scalar_type(len(number_of)))
        return Categories(list(number_of), new[self.numbers])
