"""Writes and opens Arrow files of a dataset: one record batch, in a file that anybody may have written.

Small files are copied. Large ones are mapped, so that processes share them and opening one takes no time. But if a
mapped file is cut off, access ends the process by SIGBUS: there is no error to raise. So its size is checked before it is
used, each time (`ArrowFile.is_cut_off`).
"""

import itertools
import mmap
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.files import pread_into
from fitfeed.schemas.text import shortened

MAGIC = b"ARROW1\0\0"
DICTIONARY_BATCH = 2
"""Kinds of messages, by their numbers in Message.fbs."""

ADVICE = "Restore it, or convert the dataset again."

MAX_COPIED_BYTES = 8 << 20
"""Files up to this size are copied: 45,000 rows of an index, in 10 ms. The 183 MB of a million take 0.3 s and more, and as
much memory in every process that feeds; mapping them takes 5 ms."""


def write_batch(path: Path, batch: Any) -> None:
    """Writes a record batch as the only one of a file, in which every numeric column is one NumPy array without a copy.

    Args:
        path: File to write. An existing one is replaced.
        batch: The record batch.

    Raises:
        OSError: If it cannot be written.
    """
    with pa.OSFile(os.fsencode(path), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)


@contextmanager
def readable(path: Path | str, what: str, *, advice: str = ADVICE) -> Iterator[None]:
    """Turns any error of reading a file into one error that names the file.

    Args:
        path: The file, or its address.
        what: What it should be: "table of sources".
        advice: How to mend it.
    """
    try:
        yield
    except DamagedDatasetError:  # it names the file already
        raise
    except (OSError, MemoryError, ValueError, struct.error, pa.ArrowException) as error:
        msg = f"{path} is not a readable {what} ({shortened(str(error), limit=200)}). {advice}"
        raise DamagedDatasetError(msg) from error


class ArrowFile:
    """The bytes of an Arrow file. Thread-safe. Its stream may be closed.

    Attributes:
        buffer: The bytes.
    """

    def __init__(self, stream: BinaryIO) -> None:
        """Reads or maps a file.

        Args:
            stream: The file, at any place.

        Raises:
            OSError, ValueError: If it cannot be read, or is cut off meanwhile.
        """
        self._mapped: mmap.mmap | None = None
        size = os.fstat(stream.fileno()).st_size
        if size > MAX_COPIED_BYTES:
            self._mapped = mmap.mmap(stream.fileno(), size, prot=mmap.PROT_READ)
            self.buffer = pa.py_buffer(self._mapped)
            return
        self.buffer = pa.allocate_buffer(size)
        done = pread_into(stream.fileno(), 0, memoryview(self.buffer).cast("B"))
        if done < size:
            msg = f"it ends after {done} of its {size} bytes"
            raise ValueError(msg)

    @property
    def is_cut_off(self) -> bool:
        """Whether the file became shorter since it was mapped. Asking takes half a microsecond."""
        return self._mapped is not None and self._mapped.size() < len(self._mapped)


def only_batch(content: ArrowFile, schema: pa.Schema) -> Any:
    """The one record batch of a file, without a copy.

    ```
    ARROW1  schema  dictionary  dictionary  record batch  footer
    ```

    Args:
        content: The file.
        schema: Of the record batch.

    Raises:
        ValueError: If the file is Arrow, but not with one batch of this schema.
        OSError, MemoryError, struct.error, pyarrow.ArrowException: If it is not Arrow.
    """
    file = pa.BufferReader(content.buffer)
    footer = pa.ipc.open_file(file)
    _check_schema(footer.schema, schema, batches=footer.num_record_batches)
    expected = ["dictionary" for field in schema if pa.types.is_dictionary(field.type)] + ["record batch"]
    file.seek(len(MAGIC))
    messages = list(itertools.islice(pa.ipc.MessageReader.open_stream(file), 1, 1 + len(expected)))
    if [message.type for message in messages] != expected:
        msg = f"expected {', '.join(expected)}, received {', '.join(message.type for message in messages)}"
        raise ValueError(msg)
    # Decompressing would allocate as much memory as the file claims.
    if any(_is_compressed(memoryview(message.metadata)) for message in messages):
        msg = "its columns are compressed, which those of a dataset never are"
        raise ValueError(msg)
    # The footer of a hostile file may lead to other messages, so the messages that were checked are read.
    file.seek(len(MAGIC))
    stream = pa.ipc.open_stream(file)
    _check_schema(stream.schema, schema, batches=1)
    batch = stream.read_next_batch()
    batch.validate()  # every buffer must be long enough for the number of rows
    required = [batch.column(field.name) for field in schema if not field.nullable]
    required += [column.values for column in required if pa.types.is_large_list(column.type)]
    required += [column.dictionary for column in batch.columns if pa.types.is_dictionary(column.type)]
    if any(column.null_count for column in required):
        msg = "some values are null"
        raise ValueError(msg)
    return batch


def _check_schema(found: pa.Schema, schema: pa.Schema, *, batches: int) -> None:
    if not found.equals(schema, check_metadata=True) or batches != 1:
        msg = f"expected one batch of the columns {schema.names}, received {batches} of {found.names}"
        raise ValueError(msg)


def _is_compressed(message: memoryview) -> bool:
    """Whether the metadata of a record batch or a dictionary (Message.fbs of Arrow) has the field `compression`."""
    (root,) = struct.unpack_from("<I", message, 0)
    kind, header = _field(message, root, 1), _field(message, root, 2)
    if kind is None or header is None:
        return False
    batch = _table(message, header)
    if message[kind] == DICTIONARY_BATCH:
        data = _field(message, batch, 1)
        if data is None:
            return False
        batch = _table(message, data)
    return _field(message, batch, 3) is not None


def _table(buffer: memoryview, place: int) -> int:
    """Offset of the table to which a field leads."""
    (distance,) = struct.unpack_from("<I", buffer, place)
    return place + int(distance)


def _field(buffer: memoryview, table: int, number: int) -> int | None:
    """Offset of field `number` of a FlatBuffers table; None if it does not have the field."""
    (back,) = struct.unpack_from("<i", buffer, table)
    vtable, slot = table - back, 4 + 2 * number
    (vtable_bytes,) = struct.unpack_from("<H", buffer, vtable)
    if slot >= vtable_bytes:
        return None
    (distance,) = struct.unpack_from("<H", buffer, vtable + slot)
    return table + distance if distance else None
