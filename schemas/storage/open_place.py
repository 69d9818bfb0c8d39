"""The door for places that users give: a path of this machine, or an address of an object store."""

import os
from pathlib import Path
from typing import TypeAlias

from fitfeed.schemas.local_path import address_in
from fitfeed.schemas.storage.local import LocalPlace
from fitfeed.schemas.storage.place import Place

GivenPath: TypeAlias = str | os.PathLike[str] | Place
"""A folder or a file as a user gives it: a path, or an address. `open_place` makes a place of it."""


def open_place(given: GivenPath, what: str) -> Place:
    """The place that a user names. Every place that may be in a store goes through here; nothing is read.

    Args:
        given: A path, or an address such as `s3://bucket/flowers`, as text or as a `Path`. A place stays as it is.
        what: What messages call it, such as `SOURCE`.

    Raises:
        UsageError: If it is an address of something else, or has a password or a query.
    """
    if isinstance(given, Place):
        return given
    address = address_in(given)
    if address is None:
        return LocalPlace(Path(given))
    # The client of stores is loaded by those who use it only.
    from fitfeed.schemas.storage.store import StorePlace

    return StorePlace.at(address, what)
