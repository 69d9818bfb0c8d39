"""Counts what is read of a file: bytes after decompression, so that a small file cannot cost hours or all memory."""

from fitfeed.converters.inspect.decompress import Inflated
from fitfeed.converters.inspect.limits import Limits

VALUE_BYTES = 1 << 10
"""What a string, or a step of a sequence, costs beside its bytes: the time in which so many more are read."""

FEATURE_BYTES = 2 << 10
"""What a feature of a record costs beside its values."""

RECORD_BYTES = 2 << 10
"""What a record costs beside its features: its header, its checksums, a message to parse."""

CHUNK_BYTES = 4 << 10
"""What a chunk or block of an HDF5 data set costs beside its values."""

OBJECT_BYTES = 16 << 10
"""What a group or data set costs beside its values."""

NAME_COST = 32
"""What each byte of the name of a group or data set costs: names are compared, listed and written into a program."""

MEMBER_BYTES = 1 << 10
"""What a member of a gzip file costs beside its bytes."""

PART_BYTES = 64 << 10
"""A stream is read in such parts, so that what they cost is known before the next."""


class ByteBudget:
    """Counts what has been read of a file.

    Attributes:
        left: How much may still be read; less than 0 if the last step took more.
    """

    def __init__(self, limits: Limits) -> None:
        """Begins with nothing read."""
        self.left = limits.total

    @property
    def is_spent(self) -> bool:
        """Whether nothing more may be read."""
        return self.left <= 0

    def spend(self, size: int) -> None:
        """Counts what was read."""
        self.left -= size


class BudgetSpentError(Exception):
    """The rest of a stream is not read."""


class BudgetedStream:
    """A decompressed stream that ends in an error when the budget is spent."""

    def __init__(self, stream: Inflated, budget: ByteBudget) -> None:
        """Reads from the present position of `stream`."""
        self._stream, self._budget = stream, budget

    def read(self, size: int) -> bytes:
        """Reads `size` bytes, or fewer at the end.

        Raises:
            BudgetSpentError: If so much may not be read.
        """
        parts = []
        while size > 0:
            if self._budget.left < size:
                raise BudgetSpentError
            before = self._stream.members
            part = self._stream.read(min(size, PART_BYTES))
            if not part:
                break
            self._budget.spend(len(part) + MEMBER_BYTES * (self._stream.members - before))
            parts.append(part)
            size -= len(part)
        return b"".join(parts)
