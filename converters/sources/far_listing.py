"""Lists a source in a store as a folder of this machine is listed: the same files are taken, and the same ones ignored."""

import errno
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from fitfeed.converters.file_columns import FileColumns
from fitfeed.converters.rejects import Reject, text_path
from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources.far_folder import FarFolder, cannot_list
from fitfeed.converters.sources.far_names import FarNames
from fitfeed.converters.sources.far_walk import THREADS, walk
from fitfeed.converters.sources.image_names import START_BYTES, why_no_start
from fitfeed.converters.sources.listed import Listed, ignore_files
from fitfeed.converters.sources.listing import Listing, no_images_error
from fitfeed.schemas.errors import NotFoundError, UsageError
from fitfeed.schemas.storage.place import Found, Place

MAX_PENDING = 4096
"""Files that wait for a thread to look into them."""


def list_place(place: Place, *, listed: Listed = ignore_files) -> Listing:
    """Lists a place recursively.

    Args:
        place: The place.
        listed: Is told of files as they are found.

    Raises:
        NotFoundError: If there is nothing.
        UsageError: If it is a file, has no image in it, or may not be listed, or a name in it is not a path, or not its own.
        RemoteError: If listing failed for another reason.
    """
    try:
        names = FarNames()
        for some in walk(place, partial(_sorted, told=listed), wanted=names.takes):
            names.add_all(some)
        taken = _look_into(place, names)
    except FileNotFoundError as error:
        msg = f"SOURCE {place} does not exist: {error.strerror or 'there is no such bucket'}."
        raise NotFoundError(msg) from error
    except PermissionError as error:
        msg = f"cannot list SOURCE {place}: {error.strerror or error}."
        raise UsageError(msg) from error
    except OSError as error:
        if error.errno == errno.EINVAL:  # of a name
            msg = f"cannot list SOURCE {place}: {error.strerror}."
            raise UsageError(msg) from error
        raise cannot_list(place, error) from error
    if names.is_empty:
        raise _nothing_error(place)
    names.files.add(taken)
    files = names.files.packed()
    ignored = [
        Reject(text_path(path), "not_an_image", f"ignored: {why}", handling="ignored")
        for path, why in sorted(names.ignored.items())
    ]
    if not files:
        raise no_images_error(str(place), ignored)
    _require_different(files)
    return Listing(files, [], ignored, FarFolder(place, files), names.empty_folders())


def _nothing_error(place: Place) -> NotFoundError | UsageError:
    folder, name = place.split()
    try:
        folder.find(name)
    except OSError:
        msg = f"SOURCE {place} does not exist: no name in the store begins so. Expected a folder with one folder of images per class."
        return NotFoundError(msg)
    msg = f"SOURCE {place} is a file. Expected a folder with one folder of images per class, or a table of images: a .csv, .tsv, .txt or .jsonl file."
    return UsageError(msg)


def _require_different(files: FileColumns) -> None:
    path = files.paths.first_twice()
    if path is not None:
        msg = f"SOURCE has two files whose names differ only in slashes, so that both are {text_path(path)!r}. Rename one of them."
        raise UsageError(msg)


def _sorted(prefix: str, listed: Iterable[Found], *, told: Listed) -> FarNames:
    names = FarNames(told)
    names.add(prefix, listed)
    return names


def _look_into(place: Place, names: FarNames) -> list[SourceFile]:
    """Reads the first bytes of files whose names do not say what they are. Returns the images.

    Raises:
        OSError: If the store does not answer.
    """
    taken: list[SourceFile] = []
    with ThreadPoolExecutor(THREADS, thread_name_prefix="look") as pool:
        for begin in range(0, len(names.unknown), MAX_PENDING):
            some = names.unknown[begin : begin + MAX_PENDING]
            for file, start in zip(some, pool.map(partial(_start, place), some), strict=True):
                if why := why_no_start(start):
                    names.ignored[file.path] = why
                else:
                    taken.append(file)
    return taken


def _start(place: Place, file: SourceFile) -> bytes:
    """The first bytes of a file; none if it may not be read, or is gone."""
    if not file.bytes:
        return b""
    try:
        return place.read(file.path, at_most=START_BYTES)[0]
    except (FileNotFoundError, PermissionError):
        return b""
