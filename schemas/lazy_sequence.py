"""Sequences that keep columns, and make an item when it is asked for."""

import operator
from collections.abc import Sequence
from typing import TypeVar

from typing_extensions import override

Item = TypeVar("Item")


class LazySequence(Sequence[Item]):
    """A sequence that is equal to any other with the same items. Its class makes one of any items by `of`."""

    @override
    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(map(operator.eq, self, other))

    __hash__ = None  # type: ignore[assignment]

    @override
    def __repr__(self) -> str:
        return f"{type(self).__name__}.of({list(self)})"
