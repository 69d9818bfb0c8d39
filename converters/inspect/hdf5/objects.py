"""Visits the objects of an HDF5 file: groups, data sets and links, each once, and not more than may be."""

import dataclasses
from collections import deque
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, BinaryIO

import h5py

from fitfeed.converters.inspect.byte_budget import NAME_COST, OBJECT_BYTES, ByteBudget
from fitfeed.converters.inspect.hdf5.attributes import attributes_of
from fitfeed.converters.inspect.hdf5.datasets import describe_dataset
from fitfeed.converters.inspect.hdf5.opening import H5PY_ERRORS
from fitfeed.converters.inspect.hdf5.virtual_parts import PART_BYTES, virtual_parts
from fitfeed.converters.inspect.limits import Limits
from fitfeed.converters.inspect.names import decoded_name
from fitfeed.converters.inspect.report import ForeignFeature
from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.text import first_line

MAX_ALIASES = 1000
"""Further names of objects that are remembered."""

MAX_COUNTED = 1000
"""Objects whose parts are remembered: a file may have thousands of links to one."""


class ObjectWalk:
    """Visits every object once, or as many as the limits allow.

    Attributes:
        left_out: What was not looked at.
        aliases: Further names of objects, by the first one.
    """

    def __init__(self, path: Path, file: Any, stream: BinaryIO, budget: ByteBudget, limits: Limits) -> None:
        """Begins at the root.

        Args:
            path: The file.
            file: The open `h5py.File`.
            stream: The same file, for its bytes.
            budget: Counts what is read.
            limits: How much is read.
        """
        self.left_out: list[str] = []
        self.aliases: dict[str, list[str]] = {}
        self._path, self._file, self._budget, self._limits = path, file, budget, limits
        self._parts = lru_cache(MAX_COUNTED)(partial(virtual_parts, stream, file.userblock_size, budget))
        self._visited: dict[int, str] = {}
        # With a reference, a group opens at once; by its path, only after all that it is in.
        self._groups: deque[tuple[bytes, Any]] = deque()
        self._seen = self._good = 0

    def features(self) -> Iterator[ForeignFeature]:
        """The objects. All members of a group come before theirs, so an object has the shortest of its names.

        It does not recurse, as hard links may form circles and go deep.

        Raises:
            DamagedDatasetError: If an object cannot be read.
        """
        name = b"/"
        try:
            yield from self._visit(b"/", self._file.id)
            while self._groups:
                path, reference = self._groups.popleft()
                group = h5py.h5r.dereference(reference, self._file.id)
                for key in self._members(path, group):
                    if self._budget.is_spent:
                        self.left_out.append(
                            f"only {self._seen:,} objects were looked at; --full looks at all"
                        )
                        return
                    name = path.rstrip(b"/") + b"/" + key
                    yield from self._member(name, group, key)
        # h5py raises all of these for contents that contradict themselves, depending on the place.
        except H5PY_ERRORS as error:
            shown, _ = decoded_name(name)
            msg = f"{self._path} is damaged: object {shown!r} cannot be read ({first_line(error)}), after {self._good:,} good data sets. Restore the file from its source."
            raise DamagedDatasetError(msg) from error

    def _member(self, name: bytes, group: Any, key: bytes) -> Iterator[ForeignFeature]:
        self._budget.spend(OBJECT_BYTES + NAME_COST * len(name))
        link = group.links.get_info(key)
        if link.type != h5py.h5l.TYPE_HARD:
            yield _link(name, group, key, link.type)
            return
        if link.u in self._visited:  # it is not opened again for another of its names
            self._seen += 1
            self._add_alias(self._visited[link.u], decoded_name(name)[0])
            return
        parts = self._parts(link.u)
        if PART_BYTES * parts > self._limits.at_once:
            self._seen += 1
            feature = _large_virtual(name, parts, is_full=self._limits.is_full)
            self._visited[link.u] = feature.name
            yield feature
            return
        self._budget.spend(PART_BYTES * parts)
        yield from self._visit(name, h5py.h5o.open(group, key))

    def _visit(self, name: bytes, found: Any) -> Iterator[ForeignFeature]:
        text, literal = decoded_name(name)
        self._seen += 1
        info = h5py.h5o.get_info(found)
        if info.rc > 1 or name == b"/":  # all others have one name
            self._visited[info.addr] = text
        if isinstance(found, h5py.h5d.DatasetID):
            feature = describe_dataset(text, found, self._budget, self._limits)
            yield dataclasses.replace(feature, literal=literal)
            self._good += 1
        elif isinstance(found, h5py.h5g.GroupID | h5py.h5f.FileID):
            attributes = dict(attributes_of(found))
            if attributes:
                yield ForeignFeature(
                    name=text, literal=literal, role="group", dtype="group", attributes=attributes
                )
            self._groups.append((name, h5py.h5r.create(found, b".", h5py.h5r.OBJECT)))

    def _members(self, path: bytes, group: Any) -> list[bytes]:
        """The names of the members that are looked at."""
        names: list[bytes] = []

        def take(member: bytes) -> bool | None:
            names.append(member)
            return len(names) >= self._limits.members or None

        total = group.get_num_objs()
        if total:
            group.links.iterate(take)
        if total > len(names):
            self.left_out.append(
                f"{decoded_name(path)[0]} has {total:,} members, {len(names):,} were looked at; --full looks at all"
            )
        return names

    def _add_alias(self, first: str, name: str) -> None:
        if len(self.aliases) < MAX_ALIASES:
            self.aliases.setdefault(first, []).append(name)


def _link(name: bytes, group: Any, key: bytes, kind: Any) -> ForeignFeature:
    text, literal = decoded_name(name)
    value = group.links.get_val(key)
    if kind == h5py.h5l.TYPE_EXTERNAL:
        target = ":".join(decoded_name(part)[0] for part in value)
        words = "external link"
    else:
        target, words = decoded_name(value)[0], "soft link"
    return ForeignFeature(
        name=text, literal=literal, role="link", dtype=words, note=f"to {target!r}, not followed"
    )


def _large_virtual(name: bytes, parts: int, *, is_full: bool) -> ForeignFeature:
    text, literal = decoded_name(name)
    note = f"a virtual data set over {parts:,} parts of other files, too many to open here"
    if is_full:
        note += f"; h5py takes about {PART_BYTES * parts >> 20:,} MiB to open it"
    else:
        note += "; --full opens more"
    return ForeignFeature(
        name=text, literal=literal, role="dataset", dtype="virtual", shape=(None,), note=note
    )
