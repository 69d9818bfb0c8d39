"""What the soak test does with a place while things go wrong, and how it tells whether that went well."""

import dataclasses
import hashlib
from collections.abc import Callable

from fitfeed.schemas.storage.place import Place

State = dict[str, str]
"""Names of all files at a place, with the SHA-256 of their contents."""


@dataclasses.dataclass(frozen=True)
class Operation:
    """An operation.

    Attributes:
        name: Its name in the table.
        prepare: Writes what it needs to an empty place.
        act: Does it, and returns what it found out: values that are the same in each run.
        rate: Which part of its requests fails the first time, 0 to 1.
        may_repeat: Whether a second attempt after an error must succeed.
        errors: What it may raise where things go wrong.
        ignore: Files that do not belong to the result, by the beginning of their names.
    """

    name: str
    prepare: Callable[[Place], None]
    act: Callable[[Place], object]
    rate: float = 1.0
    may_repeat: bool = True
    errors: tuple[type[Exception], ...] = (OSError,)
    ignore: tuple[str, ...] = ()

    def state(self, place: Place) -> State:
        """What is at a place, but for the files that do not belong to the result."""
        return state_of(place, self.ignore)


def state_of(place: Place, ignore: tuple[str, ...] = ()) -> State:
    """What is at a place, but for the files whose names begin so."""
    while True:
        try:
            return {
                found.name: hashlib.sha256(place.read(found.name, at_most=found.bytes)[0]).hexdigest()
                for found in place.files(deep=True)
                if not found.name.startswith(ignore)
            }
        except FileNotFoundError:  # a deletion whose answer was lost may come after the listing
            continue


def is_between(state: State, before: State, after: State) -> bool:
    """Whether each file is as it was before or as it is to be: none is truncated, mixed or from elsewhere."""
    names = state.keys() | before.keys() | after.keys()
    return all(state.get(name) in (before.get(name), after.get(name)) for name in names)
