"""Says what is in a TFRecord file: its messages, their features, and a parser for them."""

import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from fitfeed.converters.inspect.byte_budget import BudgetedStream, BudgetSpentError, ByteBudget
from fitfeed.converters.inspect.decompress import Compression, Inflated
from fitfeed.converters.inspect.example_scan import ExampleScan
from fitfeed.converters.inspect.limits import SAMPLE, Limits
from fitfeed.converters.inspect.reader import tfrecord_reader
from fitfeed.converters.inspect.report import ForeignReport
from fitfeed.converters.inspect.summaries import RunningSpan
from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.tfrecord import (
    FOOTER_BYTES,
    HEADER_BYTES,
    CorruptRecordError,
    FramedRecord,
    read_length,
    read_record,
)

MAX_HEADERS = 20_000
"""Records after the sample whose headers are read, to count them and to see whether the file is cut off."""

MAX_INFLATION = 1032
"""Deflate makes at most so many bytes of one (zlib's technical details)."""

Progress = Callable[[int], None]
"""Receives how many bytes of the file were read."""


def inspect_tfrecord(
    path: Path, compression: Compression, limits: Limits = SAMPLE, progress: Progress | None = None
) -> ForeignReport:
    """Reads the records of a TFRecord file, and checks their checksums.

    Of a sample, the headers that follow are read as well, so that the number of records is right in most files, and
    a file that is cut off is found. Records longer than `limits.at_once` are not parsed.

    Args:
        path: A TFRecord file.
        compression: Of the whole file.
        limits: How much is read.
        progress: Receives how far it is.

    Raises:
        DamagedDatasetError: If a record is cut off or does not match its checksum.
    """
    with path.open("rb") as file:
        walk = _RecordWalk(path, file, compression, limits)
        scan = ExampleScan(limits, walk.budget)
        for record in walk.sample():
            scan.add(record)
            if progress is not None:
                progress(file.tell())
        walk.count_the_rest()
    features = scan.features()
    return ForeignReport(
        format="tfrecord",
        compression=compression,
        content=scan.content,
        bytes=walk.size,
        is_sample=walk.records > scan.records or walk.is_cut_short,
        left_out="; ".join([*scan.left_out(), *walk.left_out(scan.records)]) or None,
        records=walk.records,
        records_is_at_least=walk.is_cut_short,
        record_bytes=walk.record_bytes.span(),
        empty_records=scan.empty,
        features=features,
        parser=tfrecord_reader([path], features, scan.facts(compression)),
    )


class _RecordWalk:
    """Goes from record to record.

    Attributes:
        size: Bytes of the file.
        records: How many records there are, as far as is known.
        record_bytes: Their lengths.
        is_cut_short: Whether there may be more of them.
    """

    def __init__(self, path: Path, file: BinaryIO, compression: Compression, limits: Limits) -> None:
        self.size = os.fstat(file.fileno()).st_size
        self.records, self.record_bytes, self.is_cut_short = 0, RunningSpan(), False
        self.budget = ByteBudget(limits)
        self._path, self._file, self._limits = path, file, limits
        self._is_plain = compression == "none"
        self._stream = (
            file if self._is_plain else cast("BinaryIO", BudgetedStream(Inflated(file), self.budget))
        )
        self._offset, self._stopped = 0, ""

    def sample(self) -> Iterator[FramedRecord]:
        """The records that are read."""
        try:
            while not self.budget.is_spent and (record := self._next()) is not None:
                yield record
        except BudgetSpentError:
            self.is_cut_short = True
        self.is_cut_short = self.is_cut_short or self.budget.is_spent

    def count_the_rest(self) -> None:
        """Reads the headers of the records that follow, if the file is not compressed."""
        if not (self.is_cut_short and self._is_plain):
            return
        for _ in range(MAX_HEADERS):
            length = self._length()
            if length is None:
                self.is_cut_short = False
                return
            self._file.seek(length + FOOTER_BYTES, os.SEEK_CUR)
            self._passed(length)

    def left_out(self, read: int) -> Iterator[str]:
        """What was not read."""
        if self.is_cut_short or self.records > read:
            yield f"only the first {read:,} records were read{self._stopped}; --full reads all"

    def _next(self) -> FramedRecord | None:
        """The next record; None at the end. Its data is empty if it is too long to be parsed."""
        length = self._length()
        if length is None:
            return None
        if length > self._limits.at_once and not self._limits.is_full:
            if not self._is_plain:  # it would have to be decompressed, only to be passed over
                self._stopped = f", as the next claims to have {length:,} bytes"
                raise BudgetSpentError
            self._file.seek(length + FOOTER_BYTES, os.SEEK_CUR)
            record = FramedRecord(self._offset, length, b"")
        else:
            with self._errors():
                record = read_record(self._stream, self._offset, length, max_bytes=self._limits.at_once)
        if self._is_plain:
            self.budget.spend(len(record.data))
        self._passed(length)
        return record

    def _passed(self, length: int) -> None:
        self._offset += HEADER_BYTES + length + FOOTER_BYTES
        self.records += 1
        self.record_bytes.add(length)

    def _length(self) -> int | None:
        """What the header of the next record claims; None at the end."""
        with self._errors():
            length = read_length(self._stream, self._offset)
            if length is not None and self._claims_too_much(length):
                raise CorruptRecordError(
                    self._offset, f"the file ends inside it (it claims {length:,} bytes)"
                )
        return length

    def _claims_too_much(self, length: int) -> bool:
        end = self._offset + HEADER_BYTES + length + FOOTER_BYTES
        return end > (self.size if self._is_plain else self.size * MAX_INFLATION)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Says what is wrong with the file, in place of what reads it."""
        try:
            yield
        except CorruptRecordError as error:
            raise self._damaged(str(error)) from error
        except (EOFError, zlib.error) as error:
            what = f"record at byte {self._offset}: {error}"
            raise self._damaged(what) from error

    def _damaged(self, what: str) -> DamagedDatasetError:
        where = "" if self._is_plain else " (counted in the decompressed data)"
        return DamagedDatasetError(
            f"{self._path} is damaged: {what}{where}, after {self.records:,} good records. Restore the file from its source."
        )
