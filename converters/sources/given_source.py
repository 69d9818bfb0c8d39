"""The sources that a user gives: each is a folder, a table or a dataset, and may have a name."""

import os
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple, TypeAlias

from fitfeed.converters.rejects import text_path
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.manifest_parts import MAX_SOURCE_NAME
from fitfeed.schemas.storage.open_place import GivenPath, open_place
from fitfeed.schemas.storage.place import Place
from fitfeed.schemas.text import short_repr

MAX_NAME_LENGTH = 255
"""Characters of a name that keys may begin with. The name of a folder that is only recorded may have more."""


class GivenSource(NamedTuple):
    """A source as it is given.

    Attributes:
        path: The folder, the table or the dataset.
        name: What it is to be called; None to take the name of its folder.
    """

    path: Place
    name: str | None = None


Sources: TypeAlias = GivenPath | GivenSource | Sequence[GivenPath | GivenSource] | Mapping[str, GivenPath]
"""One source, several, or several by name."""


def given_sources(sources: Sources) -> list[GivenSource]:
    """The sources in their order.

    Raises:
        UsageError: If there is none, a path is an address of something else than a store, or a name cannot be one.
    """
    if isinstance(sources, str | os.PathLike | Place):
        return [GivenSource(open_place(sources, "SOURCE"))]
    if isinstance(sources, GivenSource):
        return [_checked(sources)]
    if isinstance(sources, Mapping):
        given = [_checked(GivenSource(open_place(path, "SOURCE"), name)) for name, path in sources.items()]
    else:
        given = [each for source in sources for each in given_sources(source)]
    if not given:
        msg = f"SOURCE must be a folder, a table or a dataset, or several. Received: {sources!r}"
        raise UsageError(msg)
    return given


def parse_source(text: str) -> GivenSource:
    """Reads `SOURCE` or `NAME=SOURCE`. What is there as it is written has no name, for paths may have a `=`.

    Raises:
        UsageError: If the path is an address of something else than a store, or the name cannot be one.
    """
    name, equals, path = text.partition("=")
    if not equals or "/" in name or os.path.lexists(text):
        return given_sources(text)[0]
    if not path:
        msg = f"SOURCE {text} names a source, and does not say which. Write NAME=SOURCE, such as {name or 'site2'}=photos/."
        raise UsageError(msg)
    return _checked(GivenSource(open_place(path, f"SOURCE {name}="), name))


def _checked(source: GivenSource) -> GivenSource:
    if source.name is not None:
        check_source_name(source.name)
    return source


def folder_name(address: str) -> str:
    """What a source is called if it is given no name: the name of its folder, as text.

    Args:
        address: The folder, as an absolute path without links, or an address.
    """
    return text_path(PurePosixPath(address).name)[:MAX_SOURCE_NAME]


def check_source_name(name: str) -> None:
    """Checks that keys can begin with a name.

    Raises:
        UsageError: If they cannot.
    """
    if not 0 < len(name) <= MAX_NAME_LENGTH or "/" in name or name in (".", "..") or not name.isprintable():
        msg = f"{short_repr(name)} cannot name a source, because keys begin with its name. Expected 1 to {MAX_NAME_LENGTH} printable characters without '/': give it as NAME=SOURCE."
        raise UsageError(msg)
