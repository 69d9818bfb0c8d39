"""Copies of indexes on this machine, because an index is mapped and not read in parts.

A copy is named by its SHA-256, which is checked each time that it is opened. With `cache=` it is kept for later runs;
without, it is in a temporary folder, and goes with the dataset that was opened.
"""

import os
import shutil
import tempfile
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fitfeed.pipelines.reading.traffic import TrafficCounter
from fitfeed.schemas.errors import DamagedDatasetError, FeedError
from fitfeed.schemas.files import damaged_file, file_sha256, pwrite_all, replacing
from fitfeed.schemas.manifest_parts import File
from fitfeed.schemas.storage.place import OpenFile, Place

PART = 8 << 20
"""8 MiB in one request."""

AT_ONCE = 8
"""Requests at once. They may have 64 MiB in memory."""


class IndexCopies:
    """Fetches indexes, and finds those that were fetched before. Thread-safe.

    Attributes:
        folder: Where the copies are; None before the first one, if the folder is temporary.
    """

    def __init__(
        self, place: Place, traffic: TrafficCounter, *, keep: Path | None, other: Path | None
    ) -> None:
        """Fetches nothing.

        Args:
            place: The dataset.
            traffic: Counts what is fetched.
            keep: Folder of the cache. None: a temporary one.
            other: A folder of another process that may have copies, too. It may be gone.
        """
        self._place, self._traffic = place, traffic
        self.folder, self._other = keep, other
        self._lock = threading.Lock()

    def get(self, entry: File) -> Path:
        """Returns the path of a copy of an index.

        Args:
            entry: The index, as the manifest names it.

        Raises:
            DamagedDatasetError: If it is missing, or is not what the manifest says.
            FeedError: If it cannot be fetched, or not be written.
        """
        name = f"{entry.sha256}.index"
        for folder in (self.folder, self._other):
            if folder is not None and _is_copy(folder / name, entry):
                return folder / name
        with self._lock:
            try:
                path = self._made_folder() / name
                if not _is_copy(path, entry):
                    with replacing(path) as temporary:
                        self._fetch(entry, temporary)
            except OSError as error:
                msg = f"{self._place.address(entry.file)} cannot be copied to this machine: {error.strerror or error}. Make room, or pass a folder with room as cache=."
                raise FeedError(msg) from error
        return path

    def _made_folder(self) -> Path:
        if self.folder is None:
            self.folder = Path(tempfile.mkdtemp(prefix="fitfeed-index-"))
            weakref.finalize(self, _remove, self.folder, os.getpid())
        return self.folder

    def _fetch(self, entry: File, path: Path) -> None:
        address = self._place.address(entry.file)
        try:
            file = self._place.open(entry.file)
        except FileNotFoundError as error:
            raise damaged_file(address, error) from error
        except OSError as error:
            raise _unreadable(address, error) from error
        with path.open("wb") as target, ThreadPoolExecutor(AT_ONCE, "fitfeed-index") as pool:
            target.truncate(entry.bytes)
            parts = [
                pool.submit(self._fetch_part, file, target.fileno(), offset, min(PART, entry.bytes - offset))
                for offset in range(0, entry.bytes, PART)
            ]
            try:
                for part in parts:
                    part.result()
            except OSError as error:
                raise _unreadable(address, error) from error
            finally:
                pool.shutdown(cancel_futures=True)
                file.close()
        if file_sha256(path) != entry.sha256:
            msg = f"{address} is not the file that {self._place} was published with: its SHA-256 differs. If the dataset was replaced just now, open it again. Else restore the file, or convert again with --overwrite."
            raise DamagedDatasetError(msg)

    def _fetch_part(self, file: OpenFile, descriptor: int, offset: int, length: int) -> None:
        memory = memoryview(bytearray(length))
        count = file.read_into(offset, memory)
        self._traffic.fetched(1, count)
        pwrite_all(descriptor, offset, memory[:count])


def _is_copy(path: Path, entry: File) -> bool:
    try:
        if path.stat().st_size != entry.bytes or file_sha256(path) != entry.sha256:
            return False
        os.utime(path)  # it is in use
    except OSError:
        return False
    return True


def _unreadable(address: str, error: OSError) -> FeedError:
    return FeedError(f"{address} cannot be read: {error.strerror or error}.")


def _remove(folder: Path, owner: int) -> None:
    if os.getpid() == owner:  # a forked child has a copy of what calls this
        shutil.rmtree(folder, ignore_errors=True)
