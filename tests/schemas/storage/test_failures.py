"""What is said of a place that fails, and with which exit status."""

import errno

import pytest

from fitfeed.schemas.errors import ConversionError, FitfeedError, RemoteError, UsageError
from fitfeed.schemas.storage.failures import failures_named
from fitfeed.schemas.storage.open_place import open_place

SILENT = OSError(errno.ETIMEDOUT, "the store could not be reached", "s3://bucket/flowers/a")
FULL = OSError(errno.ENOSPC, "No space left on device", "/tmp/copy")


@pytest.mark.parametrize(
    ("error", "kind", "raised", "status"),
    [
        (SILENT, ConversionError, RemoteError, 6),
        (FULL, ConversionError, ConversionError, 1),
        (OSError(errno.ENOSPC, "No space left on device"), ConversionError, ConversionError, 1),
        (SILENT, UsageError, UsageError, 2),
    ],
)
def test_a_store_that_fails_has_an_exit_status_of_its_own(
    error: OSError, kind: type[FitfeedError], raised: type[FitfeedError], status: int
) -> None:
    place = open_place("s3://bucket/flowers", "DATASET")
    with pytest.raises(kind) as caught, failures_named("it stopped at", place, kind, "Again."):
        raise error
    assert type(caught.value) is raised
    assert caught.value.exit_status == status
    assert str(caught.value) == f"it stopped at {error.filename or place}: {error.strerror}. Again."
