"""Tables beside a dataset that are not a part of it. They save work or say more, and may be deleted at any time.

The manifest does not name them, so they do not change the dataset's fingerprint.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import pyarrow as pa

from fitfeed.schemas.arrow_file import ArrowFile, only_batch, readable, write_batch
from fitfeed.schemas.files import file_sha256
from fitfeed.schemas.packed_etags import ETAG_NAME, PACKED, is_packed, write_packed
from fitfeed.schemas.storage.failures import require_size
from fitfeed.schemas.storage.open_file import open_file
from fitfeed.schemas.storage.place import Place

SOURCES_NAME = "sources.arrow"
"""The size and times of each file that was converted. As long as they are the same, it need not be read."""

DUPLICATES_NAME = "duplicates.arrow"
"""All pairs of images that are the same picture, exactly or nearly."""

SIDE_TABLES = (SOURCES_NAME, DUPLICATES_NAME)

_ADVICE = "Delete it: it is not a part of the dataset."
_VERSION = {"fitfeed_table_version": "1"}

SOURCES_FIELDS = (
    pa.field("key", pa.large_string(), nullable=False),
    pa.field("bytes", pa.int64(), nullable=False),
    pa.field("mtime_ns", pa.int64(), nullable=False),
    pa.field("ctime_ns", pa.int64(), nullable=False),
)
"""key: key of a file, or the path of a mask. mtime_ns, ctime_ns: when its content and its inode were last changed."""

ETAG_FIELD = pa.field(ETAG_NAME, pa.large_string(), nullable=False)
"""What a store says of the content of a file, which has no times then. Tables of files on a disk do not have it."""


def sources_schema(folder: str | None = None, *, etags: bool = False, packed: bool = False) -> pa.Schema:
    """The schema of `sources.arrow`.

    Args:
        folder: Digest of the folder in which the files were listed; None if it is not known.
        etags: Whether the files have ETags.
        packed: Whether these are packed, as they may be in memory only (`schemas.packed_etags`).
    """
    etag = ETAG_FIELD.with_type(PACKED) if packed else ETAG_FIELD
    fields = [*SOURCES_FIELDS, etag] if etags else SOURCES_FIELDS
    return pa.schema(fields, metadata=_VERSION if folder is None else {**_VERSION, "folder": folder})


def duplicates_schema(*, complete: bool) -> pa.Schema:
    """The schema of `duplicates.arrow`: `key`, the key of the image that comes first, `kind`, `distance` in bits.

    Args:
        complete: Whether all pairs are there. They are not if there are too many to keep, or if images were appended
            to a dataset whose table had been deleted.
    """
    fields = [
        pa.field("key", pa.large_string(), nullable=False),
        pa.field("of", pa.large_string(), nullable=False),
        pa.field("kind", pa.large_string(), nullable=False),
        pa.field("distance", pa.uint8(), nullable=False),
    ]
    return pa.schema(fields, metadata={**_VERSION, "complete": "true" if complete else "false"})


def write_table(place: Place, name: str, batch: Any, *, require: Callable[[], None] = lambda: None) -> str:
    """Replaces a table so that a reader finds the old one or the new one, whole.

    Args:
        place: Where it is.
        name: Name of its file.
        batch: A record batch of the table's schema. ETags may be packed.
        require: Raises an error if it must not be replaced any more. It is called when the new one is built.

    Returns:
        SHA-256 of the file.

    Raises:
        OSError: If it cannot be written.
    """
    write = write_packed if is_packed(batch) else write_batch
    with place.writing(name) as built:
        write(built.path, batch)
        sha256 = file_sha256(built.path)
        require()
    require_size(place, built.found)  # the manifest does not say it
    return sha256


def read_sources(place: Place) -> Any:
    """Reads a dataset's `sources.arrow` into a record batch, and checks every value.

    Raises:
        DamagedDatasetError: If it is missing, or is not such a table.
    """
    with (
        readable(place.address(SOURCES_NAME), "table of sources", advice=_ADVICE),
        open_file(place, SOURCES_NAME) as stream,
    ):
        file = ArrowFile(stream)
        schema = _schema(file)
        folder = (schema.metadata or {}).get(b"folder")
        etags = ETAG_FIELD.name in schema.names
        batch = only_batch(file, sources_schema(None if folder is None else folder.decode(), etags=etags))
        batch.validate(full=True)
        return batch


def sources_folder(batch: Any) -> str | None:
    """Digest of the folder in which the files of a `sources.arrow` were listed; None if it is not known."""
    folder = (batch.schema.metadata or {}).get(b"folder")
    return None if folder is None else folder.decode()


class PairTable(NamedTuple):
    """The content of `duplicates.arrow`.

    Attributes:
        batch: The record batch.
        complete: Whether all pairs are there.
    """

    batch: Any
    complete: bool


def read_pairs(place: Place) -> PairTable:
    """Reads a dataset's `duplicates.arrow`, and checks every value.

    Raises:
        DamagedDatasetError: If it is missing, or is not such a table.
    """
    with (
        readable(place.address(DUPLICATES_NAME), "table of duplicates", advice=_ADVICE),
        open_file(place, DUPLICATES_NAME) as stream,
    ):
        file = ArrowFile(stream)
        complete = (_schema(file).metadata or {}).get(b"complete") == b"true"
        batch = only_batch(file, duplicates_schema(complete=complete))
        batch.validate(full=True)
        return PairTable(batch, complete)


def _schema(file: ArrowFile) -> pa.Schema:
    return pa.ipc.open_file(pa.BufferReader(file.buffer)).schema
