"""The index of a split: one row per example, as a memory-mapped Arrow IPC file.

Row i describes example i of the split, in stored order. Its offset and length point at the image
payload itself inside the shard file, so reading example i is one positioned read, whatever the
container format. Anything that reads Arrow (pandas, polars, duckdb) can query the file.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.errors import DamagedDatasetError

INDEX_SCHEMA = pa.schema(
    [
        pa.field("key", pa.large_string(), nullable=False),
        pa.field("path", pa.large_string(), nullable=False),
        pa.field("label", pa.int64(), nullable=False),
        pa.field("shard", pa.int32(), nullable=False),
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("length", pa.int64(), nullable=False),
        pa.field("crc32c", pa.uint32(), nullable=False),
        pa.field("height", pa.int32(), nullable=False),
        pa.field("width", pa.int32(), nullable=False),
    ],
    metadata={"fitfeed_index_version": "1"},
)
"""key: unique name of the example. path: its file, relative to SOURCE. label: class number.
shard: position in the manifest's list of shards. offset, length: bytes of the image payload in the
shard file. crc32c: CRC-32C (RFC 3720) of the payload. height, width: pixels as stored."""


def write_index(path: Path, columns: Mapping[str, Sequence[Any]]) -> None:
    """Writes an index file.

    The rows go into a single record batch, so that every numeric column maps to one NumPy array
    without a copy.

    Args:
        path: File to write; an existing one is replaced.
        columns: One sequence per field of `INDEX_SCHEMA`, all of the same length.
    """
    arrays = [pa.array(columns[field.name], field.type) for field in INDEX_SCHEMA]
    batch = pa.record_batch(arrays, schema=INDEX_SCHEMA)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, INDEX_SCHEMA) as writer:
        writer.write_batch(batch)


class Index:
    """A memory-mapped index. Opening costs the same for ten rows and ten million.

    Thread-safe: nothing changes after construction.

    Attributes:
        label, shard, offset, length, crc32c, height, width: read-only NumPy arrays of shape
            (examples,), with the dtypes of `INDEX_SCHEMA`.
    """

    def __init__(self, path: Path) -> None:
        """Maps an index file.

        Raises:
            DamagedDatasetError: If the file is missing or is not an index of this version.
        """
        try:
            self._map = pa.memory_map(str(path))
            reader = pa.ipc.open_file(self._map)
        except (OSError, pa.ArrowInvalid) as error:
            msg = f"{path} is not a readable Arrow index ({error}). Restore it, or convert the dataset again."
            raise DamagedDatasetError(msg) from error
        if not reader.schema.equals(INDEX_SCHEMA, check_metadata=True) or reader.num_record_batches != 1:
            msg = f"{path} is not a version 1 index: expected one batch of the columns {INDEX_SCHEMA.names}, received {reader.schema.names}."
            raise DamagedDatasetError(msg)
        self._batch = reader.get_batch(0)
        self.label: npt.NDArray[np.int64] = self._column("label")
        self.shard: npt.NDArray[np.int32] = self._column("shard")
        self.offset: npt.NDArray[np.int64] = self._column("offset")
        self.length: npt.NDArray[np.int64] = self._column("length")
        self.crc32c: npt.NDArray[np.uint32] = self._column("crc32c")
        self.height: npt.NDArray[np.int32] = self._column("height")
        self.width: npt.NDArray[np.int32] = self._column("width")

    def __len__(self) -> int:
        """Number of examples."""
        return int(self._batch.num_rows)

    def key(self, row: int) -> str:
        """Key of an example."""
        return str(self._batch.column("key")[row])

    def path(self, row: int) -> str:
        """Source path of an example, relative to the source folder."""
        return str(self._batch.column("path")[row])

    def _column(self, name: str) -> npt.NDArray[Any]:
        column: npt.NDArray[Any] = self._batch.column(name).to_numpy(zero_copy_only=True)
        return column
