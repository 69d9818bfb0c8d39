"""Does many things at a place: one after the other in a folder, many at a time in a store."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any, TypeVar, overload

from fitfeed.schemas.storage.place import Place

REQUESTS = 32
"""Requests under way at once. At 40 ms each, that is 600 a second."""

_STOPPED: ContextVar[tuple[threading.Event, ...]] = ContextVar("_STOPPED", default=())
"""Of the calls in which this thread works: which of them have ended with an error, or were interrupted."""

First = TypeVar("First")
Second = TypeVar("Second")
Third = TypeVar("Third")
Item = TypeVar("Item")
Result = TypeVar("Result")


def for_each(
    place: Place, function: Callable[[Item], Result], items: Iterable[Item], *, most: int = REQUESTS
) -> list[Result]:
    """Calls a function that reads or writes a file of a place for each item, and returns what it returns, in order.

    After an error or Ctrl-C, no further item is begun, neither here nor in a call that one of the functions makes.

    Args:
        place: Where the files are.
        function: What is called; in a store, from several threads at once.
        items: Its arguments.
        most: Calls that are under way at once.

    Raises:
        Exception: The first that the function raises.
    """
    if not place.is_far:
        return [function(item) for item in items]
    around, stopped, failed = _STOPPED.get(), threading.Event(), list[BaseException]()

    def call(item: Item) -> Result:
        if any(event.is_set() for event in (*around, stopped)):
            raise CancelledError
        _STOPPED.set((*around, stopped))  # this thread ends with this call of `for_each`
        try:
            return function(item)
        except BaseException as error:
            failed.append(error)
            stopped.set()
            raise

    with ThreadPoolExecutor(most) as threads:
        try:
            return list(threads.map(call, items))
        except CancelledError:
            # One of the first ones may have stopped because a later one failed.
            raise failed[0] if failed else CancelledError from None
        except BaseException:
            stopped.set()
            raise
        finally:
            failed.clear()  # an error holds this frame


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
