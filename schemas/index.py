"""The index of a split: one row for each example, in an Arrow IPC file.

Row i describes example i of the split, in stored order. Its offset and length are those of the image payload in the
shard file, so reading example i is one positioned read for every container format. Any program that reads Arrow (pandas,
polars, duckdb) can query the file.
"""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fitfeed.schemas.arrow_file import ADVICE, ArrowFile, only_batch, readable, write_batch
from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.features import FOLDER_LABELS, MASK_COLUMNS, LabelKind
from fitfeed.schemas.index_columns import (
    ListColumn,
    MaskColumn,
    NameColumn,
    TextColumn,
    column_values,
    encode_names,
)
from fitfeed.schemas.storage.open_file import open_file
from fitfeed.schemas.storage.open_place import open_place
from fitfeed.schemas.storage.place import Place

INDEX_VERSION = "2"
DIGEST_BYTES = 16
_WHAT = f"version {INDEX_VERSION} index"
MAX_MEAN = 255 * 256
MAX_DEVIATION = MAX_MEAN // 2
"""The largest `mean`, of a white image, and `deviation`, of one that is half black and half white."""

_NAMES = pa.dictionary(pa.int8(), pa.string())

_BEFORE = [
    pa.field("key", pa.large_string(), nullable=False),
    pa.field("source", pa.int16(), nullable=False),
    pa.field("path", pa.large_string(), nullable=False),
]
_AFTER = [
    pa.field("shard", pa.int32(), nullable=False),
    pa.field("offset", pa.int64(), nullable=False),
    pa.field("length", pa.int64(), nullable=False),
    pa.field("crc32c", pa.uint32(), nullable=False),
    pa.field("height", pa.int32(), nullable=False),
    pa.field("width", pa.int32(), nullable=False),
    pa.field("source_bytes", pa.int64(), nullable=False),
    pa.field("source_digest", pa.binary(DIGEST_BYTES), nullable=False),
    pa.field("pixel_digest", pa.binary(DIGEST_BYTES), nullable=False),
    pa.field("mean", pa.uint16(), nullable=False),
    pa.field("deviation", pa.uint16(), nullable=False),
    pa.field("orientation", pa.uint8(), nullable=False),
    pa.field("source_format", _NAMES, nullable=False),
    pa.field("profile", _NAMES, nullable=True),
    pa.field("source_height", pa.int32(), nullable=False),
    pa.field("source_width", pa.int32(), nullable=False),
]
"""key: unique name of the example. source: number of the source that its file is from, in the
manifest's list. path: its file, relative to SOURCE. shard: position in the
manifest's list of shards. offset, length: bytes of the image payload in the shard file. crc32c:
CRC-32C (RFC 3720) of the payload. height, width: pixels as stored. source_bytes: size of the file
it was made from. source_digest: xxh3-128 of that file. pixel_digest: xxh3-128 of its upright pixels
before any resizing (`fitfeed.converters.duplicates.image_hashes`). mean, deviation: of the brightness of the
image as stored (`fitfeed.converters.images.pixel_counter`). orientation: EXIF orientation that was
undone, 1 if there was none. source_format: format of the file, by its name in Pillow. profile: name of its
color profile, null if it has none. source_height, source_width: upright, before any resizing."""

_LABEL_TYPES = {
    "class": pa.int64(),
    "int": pa.int64(),
    "float": pa.float64(),
    "text": pa.large_string(),
    "multiclass": pa.large_list(pa.field("item", pa.int64(), nullable=False)),
    "floats": pa.large_list(pa.field("item", pa.float64(), nullable=False)),
}
_MASK_TYPES = dict(
    zip(MASK_COLUMNS, (pa.int64(), pa.int64(), pa.uint32(), pa.binary(DIGEST_BYTES)), strict=True)
)


def index_schema(labels: Mapping[str, LabelKind]) -> pa.Schema:
    """The Arrow schema of an index.

    Args:
        labels: Label name to kind. A label is a column of its name, of type int64 (class, int),
            float64, large_string (text) or large_list of int64 (multiclass) or of float64 (floats). A mask is four:
            `<name>_offset`, `<name>_length` and `<name>_crc32c`, of its payload in the shard file, and
            `<name>_source_digest`, of the file it was made from.
    """
    fields = [
        pa.field(column, kind, nullable=False)
        for name, label in labels.items()
        for column, kind in _label_columns(name, label).items()
    ]
    return pa.schema([*_BEFORE, *fields, *_AFTER], metadata={"fitfeed_index_version": INDEX_VERSION})


def _label_columns(name: str, kind: LabelKind) -> dict[str, Any]:
    if kind == "mask":
        return {f"{name}_{part}": arrow_type for part, arrow_type in _MASK_TYPES.items()}
    return {name: _LABEL_TYPES[kind]}


INDEX_SCHEMA = index_schema(FOLDER_LABELS)
"""The labels of a dataset that was made from class folders."""


def write_index(
    path: Path, columns: Mapping[str, Sequence[Any]], labels: Mapping[str, LabelKind] = FOLDER_LABELS
) -> None:
    """Writes an index file.

    Args:
        path: File to write. An existing one is replaced.
        columns: One sequence for each field of `index_schema(labels)`, all of the same length.
        labels: Label name to kind.
    """
    schema = index_schema(labels)
    arrays = [_array(columns[field.name], field.type) for field in schema]
    write_batch(path, pa.record_batch(arrays, schema=schema))


def _array(column: Any, kind: pa.DataType) -> Any:
    if isinstance(column, pa.Array):
        return column
    return encode_names(column) if pa.types.is_dictionary(kind) else pa.array(column, kind)


class Index:
    """An index. A large one is memory-mapped: opening ten million rows takes as long as opening a million.

    Thread-safe: only which columns were checked changes after construction. No memory outside the file is read, for any content of the file.
    Whether its values make sense is for the reader to check, and whether it is still whole: see `require_whole`.

    Attributes:
        address: The file, or its address, for messages.
        source, shard, offset, length, crc32c, height, width, source_bytes, mean, deviation, orientation,
            source_height, source_width: read-only NumPy arrays of shape (examples,), with the dtypes of
            `index_schema`.
        source_digest, pixel_digest: the same, of dtype V16 (16 bytes each).
        source_format, profile: Texts by row; `profile` may have None.
        mask_source_digests: Label name of each mask to such an array.
        labels: Label name to its column: int64 or float64 (examples,), read-only, for class, int
            and float; else by row, a `TextColumn`, a `ListColumn` (multiclass, floats) or a `MaskColumn`.
    """

    def __init__(
        self,
        path: Path | str,
        labels: Mapping[str, LabelKind] = FOLDER_LABELS,
        *,
        stream: BinaryIO | None = None,
    ) -> None:
        """Opens an index file.

        Args:
            path: The file, or its address.
            labels: Label name to kind, as in the manifest.
            stream: The same file, if it is open already: see `open_index`.

        Raises:
            DamagedDatasetError: If the file is missing or is not an index of this version with
                these labels.
        """
        self.address, self._valid = path, set[str]()
        with readable(path, _WHAT):
            with nullcontext(stream) if stream is not None else Path(path).open("rb") as opened:
                self._file = ArrowFile(opened)
            self._batch = only_batch(self._file, index_schema(labels))
            self._keys, self._paths = (
                TextColumn(path, name, self._batch.column(name)) for name in ("key", "path")
            )
            self.source_format, self.profile = (
                NameColumn(path, name, self._batch.column(name)) for name in ("source_format", "profile")
            )
            self.labels: dict[str, Any] = {
                name: self._label(path, name, kind) for name, kind in labels.items()
            }
        self.shard: npt.NDArray[np.int32] = self._column("shard")
        self.offset: npt.NDArray[np.int64] = self._column("offset")
        self.length: npt.NDArray[np.int64] = self._column("length")
        self.crc32c: npt.NDArray[np.uint32] = self._column("crc32c")
        self.height: npt.NDArray[np.int32] = self._column("height")
        self.width: npt.NDArray[np.int32] = self._column("width")
        self.source_bytes: npt.NDArray[np.int64] = self._column("source_bytes")
        self.source: npt.NDArray[np.int16] = self._column("source")
        self.mean: npt.NDArray[np.uint16] = self._column("mean")
        self.deviation: npt.NDArray[np.uint16] = self._column("deviation")
        self.orientation: npt.NDArray[np.uint8] = self._column("orientation")
        self.source_height: npt.NDArray[np.int32] = self._column("source_height")
        self.source_width: npt.NDArray[np.int32] = self._column("source_width")
        self.source_digest = self._column("source_digest")
        self.pixel_digest = self._column("pixel_digest")
        self.mask_source_digests = {
            name: self._column(f"{name}_source_digest") for name, kind in labels.items() if kind == "mask"
        }

    def require_whole(self) -> None:
        """Checks that the file is as long as it was. Call it before rows are used, because access to others would crash.

        Raises:
            DamagedDatasetError: If it was cut off since it was opened.
        """
        if self._file.is_cut_off:
            msg = f"{self.address} became shorter while it was in use. {ADVICE}"
            raise DamagedDatasetError(msg)

    def require_valid(self) -> None:
        """Checks every text, list and name. Call it before columns are given away, because readers trust them.

        Ten million rows take a second.

        Raises:
            DamagedDatasetError: If one is not what its column says.
        """
        self.require_whole()
        with readable(self.address, _WHAT):
            self._batch.validate(full=True)

    def __len__(self) -> int:
        """Number of examples."""
        return int(self._batch.num_rows)

    def columns(self) -> dict[str, Any]:
        """All columns as Arrow arrays, by name, to be copied into another index."""
        return {name: self._batch.column(name) for name in self._batch.schema.names}

    def valid_column(self, name: str) -> Any:
        """A column as an Arrow array, of which every text, list and name was checked, once.

        Raises:
            DamagedDatasetError: If one is not what its column says.
        """
        column = self._batch.column(name)
        if name not in self._valid:
            self.require_whole()
            with readable(self.address, _WHAT):
                column.validate(full=True)
            self._valid.add(name)
        return column

    def key(self, row: int) -> str:
        """Key of row 0 <= `row` < len.

        Raises:
            DamagedDatasetError: If the bytes of the file are not text there.
        """
        return self._keys[row]

    def path(self, row: int) -> str:
        """Source path of row 0 <= `row` < len, relative to the source folder.

        Raises:
            DamagedDatasetError: If the bytes of the file are not text there.
        """
        return self._paths[row]

    def _label(self, path: Path | str, name: str, kind: LabelKind) -> Any:
        if kind == "mask":
            return MaskColumn(*(self._column(f"{name}_{part}") for part in MaskColumn._fields))
        if kind == "text":
            return TextColumn(path, name, self._batch.column(name))
        if kind in ("multiclass", "floats"):
            return ListColumn(path, name, self._batch.column(name))
        return self._column(name)

    def _column(self, name: str) -> npt.NDArray[Any]:
        return column_values(self._batch.column(name))


def open_index(folder: Path | Place, name: str, labels: Mapping[str, LabelKind]) -> Index:
    """Opens an index of a dataset, without ever leaving its folder.

    Args:
        folder: The dataset.
        name: Name of the file, as in the manifest.
        labels: Label name to kind, as in the manifest.

    Raises:
        DamagedDatasetError: If it is missing, leads out of the folder or is not such an index.
    """
    place = open_place(folder, "DATASET")
    address = place.address(name)
    with readable(address, _WHAT), open_file(place, name) as stream:
        return Index(address, labels, stream=stream)
