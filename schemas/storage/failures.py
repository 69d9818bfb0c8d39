"""Says in one line what goes wrong with a place that a user named, wherever it goes wrong."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from fitfeed.schemas.errors import ConversionError, FitfeedError, RemoteError
from fitfeed.schemas.storage.place import Found, Place


@contextmanager
def failures_named(what: str, place: Place, kind: type[FitfeedError], mend: str = "") -> Iterator[None]:
    """Turns an error of a place into one that names it. Errors that say so already pass.

    Args:
        what: What was to be done, such as `cannot read DATASET`.
        place: The place, which is named where the error does not say which file it is about.
        kind: The error to raise. `ConversionError` is a `RemoteError` where it is the store that fails.
        mend: A sentence that follows, if the reason itself does not say what to do.

    Raises:
        FitfeedError: If something goes wrong.
    """
    try:
        yield
    except FitfeedError:
        raise
    except OSError as error:
        where = error.filename if isinstance(error.filename, str) else place
        msg = f"{what} {where}: {error.strerror or error}. {mend}".rstrip()
        raise (kind_of(error) if kind is ConversionError else kind)(msg) from error


def taken_less(bytes_put: int, bytes_held: int, address: str) -> OSError:
    """The error to raise if an object is the one that was put, and has another size."""
    reason = f"{bytes_put} bytes were put, and the object has {bytes_held}. The store, or something before it, is broken"
    return OSError(errno.EIO, reason, address)


def require_size(place: Place, put: Found) -> None:
    """Looks at a file that was put: some stores, and what is before them, take less without an error.

    Args:
        place: Where it is.
        put: What was put.

    Raises:
        OSError: If it has another size, and was not replaced since.
    """
    found = place.area().find_file(put.name)
    if found is not None and found.identity == put.identity and found.bytes != put.bytes:
        raise taken_less(put.bytes, found.bytes, place.address(put.name))


def kind_of(error: OSError) -> type[ConversionError]:
    """What a conversion raises for an error of a place: a store's error has an address, and not a path, in it."""
    return RemoteError if "://" in str(error.filename) else ConversionError
