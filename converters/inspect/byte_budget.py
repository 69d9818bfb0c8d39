"""How much of a file is read: bytes after decompression, so that a small file cannot cost hours or all memory."""

from fitfeed.converters.inspect.decompress import Inflated

MAX_INSPECTED_BYTES = 1 << 30
"""1 GiB of values of one file, as they are after decompression. Of a large file as much as `MAX_EXPANSION` says."""

MAX_EXPANSION = 10
"""Values of a file may have so many times its bytes. Few kinds of data shrink more when they are compressed, and the
time for a large file stays in proportion to its size."""

MAX_BYTES_AT_ONCE = 64 << 20
"""64 MiB: the longest record, string or block of values that is in memory. Parsing takes up to 25 times as much."""

VALUE_BYTES = 64
"""What a string or a step of a sequence costs beside its bytes: the time in which so many more are read."""


class ByteBudget:
    """Counts what has been read of a file.

    Attributes:
        limit: How many bytes may be read.
        left: How many still may; less than 0 if the last step took more.
    """

    def __init__(self, file_bytes: int) -> None:
        """Begins with nothing read.

        Args:
            file_bytes: Size of the file.
        """
        self.limit = self.left = max(MAX_INSPECTED_BYTES, MAX_EXPANSION * file_bytes)

    @property
    def is_spent(self) -> bool:
        """Whether nothing more may be read."""
        return self.left <= 0

    def spend(self, size: int, *, values: int = 0) -> None:
        """Counts bytes and values that were read."""
        self.left -= size + VALUE_BYTES * values

    def affords(self, size: int, *, values: int = 0) -> bool:
        """Whether so much may still be read."""
        return size + VALUE_BYTES * values <= self.left


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
            BudgetSpentError: If the budget was spent before.
        """
        if self._budget.is_spent:
            raise BudgetSpentError
        data = self._stream.read(size)
        self._budget.spend(len(data))
        return data
