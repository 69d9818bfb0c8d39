"""Does many things at a place: one after the other in a folder, many at a time in a store."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, overload

from fitfeed.schemas.storage.place import Place

REQUESTS = 32
"""Requests under way at once. At 40 ms each, that is 600 a second."""

First = TypeVar("First")
Second = TypeVar("Second")
Third = TypeVar("Third")
Item = TypeVar("Item")
Result = TypeVar("Result")


def for_each(place: Place, function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Calls a function that reads or writes a file of a place for each item, and returns what it returns, in order.

    Args:
        place: Where the files are.
        function: What is called; in a store, from several threads at once.
        items: Its arguments.

    Raises:
        Exception: The first that the function raises.
    """
    if not place.is_far:
        return [function(item) for item in items]
    with ThreadPoolExecutor(REQUESTS) as threads:
        return list(threads.map(function, items))


@overload
def at_once(
    place: Place, first: Callable[[], First], second: Callable[[], Second], /
) -> tuple[First, Second]: ...


@overload
def at_once(
    place: Place, first: Callable[[], First], second: Callable[[], Second], third: Callable[[], Third], /
) -> tuple[First, Second, Third]: ...


def at_once(place: Place, *functions: Callable[[], Any]) -> tuple[Any, ...]:
    """Calls functions of which none needs what another does, and returns what they return.

    Args:
        place: Where they read or write.
        functions: They are called in this order; in a store, at once.

    Raises:
        Exception: The first that one raises, in this order, when all that have begun have ended.
    """
    return tuple(for_each(place, lambda function: function(), functions))
