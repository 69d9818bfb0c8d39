"""Opens a file of a dataset as one of this machine, so that it can be read in order, or mapped."""

import errno
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import BufferedReader

from fitfeed.schemas.files import RefusedFileError, damaged_file, open_plain
from fitfeed.schemas.storage.place import Place


@contextmanager
def open_file(place: Place, name: str) -> Iterator[BufferedReader]:
    """Opens a file of a dataset. In a store it is fetched first, and the copy is gone when the block ends.

    A mapping of it stays valid after that.

    Args:
        place: The dataset.
        name: A plain file name, as in the manifest.

    Raises:
        DamagedDatasetError: If it is missing, or is not a regular file of this dataset.
        OSError: If it cannot be read, or there is no room for a copy.
    """
    with ExitStack() as opened:
        try:
            stream = opened.enter_context(open_plain(opened.enter_context(place.as_file(name))))
        except (FileNotFoundError, RefusedFileError) as error:
            raise damaged_file(place.address(name), error) from error
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR):
                raise damaged_file(place.address(name), error) from error
            raise
        yield stream
