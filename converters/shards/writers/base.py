"""The base of all shard writers: a temporary file beside the target is filled, synced and renamed."""

import abc
import dataclasses
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from fitfeed.schemas.files import sync_folder
from fitfeed.schemas.manifest_parts import Shard
from fitfeed.schemas.payload import PayloadFormat

Label = int | float | str | list[int] | bytes


@dataclasses.dataclass(frozen=True, kw_only=True)
class Record:
    """One example, ready to be stored.

    Attributes:
        key: Unique name.
        labels: By feature name, in order: class number or integer (int), number (float), text (str),
            class numbers (list), or a mask's payload (bytes): PNG or raw uint8 pixels.
        payload: The image's bytes: JPEG, PNG or raw pixels in (height, width, channels) order: uint8,
            or little-endian uint16.
        format: Format of the payload.
        height, width, channels: Shape of the stored pixels.
    """

    key: str
    labels: Mapping[str, Label]
    payload: bytes
    format: PayloadFormat
    height: int
    width: int
    channels: int

    @property
    def masks(self) -> dict[str, bytes]:
        """Payloads of the masks, by feature name."""
        return {name: label for name, label in self.labels.items() if isinstance(label, bytes)}


@dataclasses.dataclass(frozen=True, kw_only=True)
class StoredShard:
    """A shard that is safely on disk.

    Attributes:
        bytes: Size of the file.
        sha256: Digest of the file, in hexadecimal.
        offsets: For each record, in order, the byte of the file at which its payload begins.
        mask_offsets: The same for each mask, by feature name.
    """

    bytes: int
    sha256: str
    offsets: list[int]
    mask_offsets: dict[str, list[int]]

    def entry(self, file: str) -> Shard:
        """The entry of the manifest for it, under the name of its file."""
        return Shard(file=file, bytes=self.bytes, sha256=self.sha256, examples=len(self.offsets))


class ShardWriter(abc.ABC):
    """Writes one shard. A file with the final name is always whole.

    Use it as a context manager: if it is left by an exception, the temporary file is removed. The content is a pure
    function of the records, so the same records give the same bytes. Not thread-safe.
    """

    def __init__(self, path: Path) -> None:
        """Remembers the final name of the shard. No file has this name before `finish`."""
        self._path = path
        self._temporary = path.with_name(f"{path.name}.tmp-{uuid.uuid4().hex}")

    @abc.abstractmethod
    def write(self, record: Record) -> None:
        """Adds a record."""

    @abc.abstractmethod
    def _complete(self) -> StoredShard:
        """Writes the rest to the temporary file, and syncs it."""

    @abc.abstractmethod
    def _discard(self) -> None:
        """Closes and removes temporary files. It may be called at any moment."""

    def finish(self) -> StoredShard:
        """Completes the file, syncs it to disk and gives it its final name."""
        stored = self._complete()
        self._temporary.replace(self._path)
        sync_folder(self._path.parent)
        return stored

    def __enter__(self) -> Self:
        """Returns the writer."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Removes temporary files."""
        self._discard()
