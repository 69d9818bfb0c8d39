"""The objects of a stand-in for a store: names to contents, with the conditions that stores know."""

import bisect
import hashlib
import itertools
import threading
import time
from collections.abc import Mapping
from typing import NamedTuple

METADATA = "x-goog-meta-"


class StoredObject(NamedTuple):
    """An object. Its content never changes: what replaces it has another generation.

    Attributes:
        content: Its bytes.
        generation: A number that no other object of the bucket has had.
        etag: A text that no other object of the bucket has had.
        modified: Seconds since 1970.
        metadata: Headers that the writer wants to find again.
    """

    content: bytes
    generation: int
    etag: str
    modified: float
    metadata: dict[str, str]


class Page(NamedTuple):
    """A page of a listing, and where the next one begins, if there is one."""

    objects: list[tuple[str, StoredObject]]
    prefixes: list[str]
    next: str | None


class Bucket:
    """Objects by name. All methods may be called from many threads."""

    def __init__(self) -> None:
        self._objects: dict[str, StoredObject] = {}
        self._names: list[str] = []  # sorted
        self._generations = itertools.count(1_000_001)
        self._lock = threading.Lock()

    def get(self, name: str) -> StoredObject | None:
        return self._objects.get(name)

    def put(self, name: str, content: bytes, fields: Mapping[str, str]) -> StoredObject | None:
        """Writes an object; None if a condition in the headers does not hold."""
        with self._lock:
            if not holds(self._objects.get(name), fields):
                return None
            if name not in self._objects:
                bisect.insort(self._names, name)
            metadata = {field: value for field, value in fields.items() if field.startswith(METADATA)}
            generation = next(self._generations)
            etag = f'"{hashlib.md5(content).hexdigest()}-{generation}"'
            self._objects[name] = StoredObject(content, generation, etag, time.time(), metadata)
            return self._objects[name]

    def delete(self, name: str) -> bool:
        """Deletes an object, and says whether it was there."""
        with self._lock:
            found = self._objects.pop(name, None)
            if found is not None:
                self._names.pop(bisect.bisect_left(self._names, name))
            return found is not None

    def list(self, prefix: str, delimiter: str, after: str, at_most: int) -> Page:
        """A page of the names that begin with a prefix and come after a name.

        What is equal up to a delimiter after the prefix is one entry of `prefixes`; `after` may be such an entry.
        """
        objects: list[tuple[str, StoredObject]] = []
        prefixes: list[str] = []
        with self._lock:
            for name in self._names[bisect.bisect_left(self._names, max(prefix, after)) :]:
                if not name.startswith(prefix):
                    break
                if name == after or (delimiter and after.endswith(delimiter) and name.startswith(after)):
                    continue
                head, found, _ = name[len(prefix) :].partition(delimiter) if delimiter else (name, "", "")
                if prefixes and found and prefixes[-1] == prefix + head + found:
                    continue
                if len(objects) + len(prefixes) == at_most:
                    return Page(objects, prefixes, max([*prefixes[-1:], *(name for name, _ in objects[-1:])]))
                if found:
                    prefixes.append(prefix + head + found)
                else:
                    objects.append((name, self._objects[name]))
        return Page(objects, prefixes, None)


def holds(found: StoredObject | None, conditions: Mapping[str, str]) -> bool:
    """Whether the conditions in the headers of a request hold for the object that it names."""
    generation = conditions.get("x-goog-if-generation-match")
    if generation is not None and int(generation) != (found.generation if found else 0):
        return False
    if "if-match" in conditions and (found is None or conditions["if-match"] != found.etag):
        return False
    if "if-none-match" in conditions and found is not None:
        return conditions["if-none-match"] not in ("*", found.etag)
    return True
