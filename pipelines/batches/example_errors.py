"""Names the example in every error that comes up while it is rendered."""

from typing import NoReturn

from fitfeed.pipelines.augment.compiler.user_functions import CallError
from fitfeed.pipelines.reading.records import Records
from fitfeed.schemas.errors import DamagedDatasetError, DamagedExampleError, FeedError, UsageError
from fitfeed.schemas.text import printable


def raise_naming(error: Exception, records: Records, row: int) -> NoReturn:
    """Raises an error of one example, with the name of the example.

    Args:
        error: What was raised while the example was read, augmented or normalized.
        records: The source of the examples.
        row: Row of the index.

    Raises:
        DamagedExampleError: If the example is damaged, or an operation of fitfeed failed on it. It is what
            `on_error="skip"` skips.
        FeedError: If its shard cannot be read now, which says nothing about the example.
        UsageError: If a function of the user returned something else than an image.
        Exception: The error that a function of the user raised, with a note.
    """
    if isinstance(
        error, DamagedDatasetError | FeedError | MemoryError
    ):  # it names its example, or is not about any
        raise error
    name = printable(f"{records.index.key(row)!r} (row {row} of {records.split!r})")
    if isinstance(error, CallError):
        cause = error.__cause__
        assert cause is not None  # noqa: S101  as `CallPass` raises it from one
        cause.add_note(f"It was raised for example {name}.")
        raise cause from cause.__cause__  # `CallError` says nothing that a user has to know
    if isinstance(error, UsageError):
        msg = f"{error} The example is {name}."
        raise UsageError(msg) from error
    raise cannot_render(error, records, row) from error


def cannot_render(error: Exception, records: Records, row: int) -> DamagedExampleError:
    """Makes the error of an example that an operation of fitfeed fails on. That is a bug, or a strange image."""
    height, width = records.index.height[row], records.index.width[row]
    msg = (
        f"example {records.index.key(row)!r} (row {row} of {records.split!r}, {height} x {width} pixels) cannot be "
        f"augmented: {type(error).__name__}: {str(error).strip()}. Please report it; on_error='skip' goes on without it."
    )
    return DamagedExampleError(msg)
