"""A file of another program in a store: it is looked at in a copy on this machine, which is gone afterwards.

HDF5 reads all over a file, a sample too, and 40 ms for each of its reads are longer than a copy takes.
"""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from typing_extensions import override

from fitfeed.converters.inspect.report import ForeignReport
from fitfeed.schemas.errors import FitfeedError, UsageError
from fitfeed.schemas.storage.failures import failures_named
from fitfeed.schemas.storage.place import Place

MAX_COPY_BYTES = 1 << 30
"""What is copied without `--full`, of all files together: 10 s at 100 MB/s."""


class FileInStore(NamedTuple):
    """A file in a store.

    Attributes:
        folder: The place that it is in.
        name: Its name there.
        bytes: Its size.
    """

    folder: Place
    name: str
    bytes: int

    @override
    def __str__(self) -> str:
        """Returns its address."""
        return self.folder.address(self.name)


@contextmanager
def fetched(file: FileInStore, *, full: bool) -> Iterator[Path]:
    """Copies a file to this machine while the block runs. Errors of the block name its address, and not the copy.

    Args:
        file: The file.
        full: Whether it is copied however large it is.

    Raises:
        UsageError: If it is too large, or cannot be read, or there is no room for it.
    """
    if file.bytes > MAX_COPY_BYTES and not full:
        msg = f"{file} has {file.bytes >> 20} MiB, and to be inspected it would be copied to this machine. Without --full, no more than {MAX_COPY_BYTES >> 20} MiB are copied. Give --full, or copy a smaller file of its kind here, and inspect that."
        raise UsageError(msg)
    with failures_named("cannot copy", file.folder, UsageError), file.folder.as_file(file.name) as copy:
        try:
            yield copy
        except FitfeedError as error:
            error.args = tuple(line.replace(str(copy.parent), str(file.folder)) for line in error.args)
            raise


def of_a_copy(report: ForeignReport, copy: Path) -> ForeignReport:
    """The report on a copy, with code that reads a copy of the same name, wherever that will be."""
    return dataclasses.replace(report, parser=report.parser.replace(f"{copy.parent}/", ""))
