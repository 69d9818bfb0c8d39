"""A prefix in an object store as its one worker sees it."""

import errno
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING

from typing_extensions import override

from fitfeed.schemas.storage.claim import Claim, claimed
from fitfeed.schemas.storage.conditions import keeps_object
from fitfeed.schemas.storage.place import Found
from fitfeed.schemas.storage.work_area import BuiltFile, WorkArea

if TYPE_CHECKING:
    from fitfeed.schemas.storage.store import StorePlace

NO_CONDITIONS = "the store does not put objects on a condition ({}), so two conversions could publish at once. Its server must support If-None-Match and If-Match, as S3, GCS, Azure, MinIO, R2 and Ceph do in their present versions"

PUT_BYTES = 256 << 20
"""What the client of a store takes to put a shard: parts that are under way, and its threads."""


class StoreWorkArea(WorkArea):
    """A prefix in an object store. Nobody can write there who may not write the dataset."""

    def __init__(self, place: "StorePlace") -> None:
        """Names the place."""
        self._place = place

    @property
    @override
    def moves_at_once(self) -> bool:
        return False

    @property
    @override
    def advice(self) -> str:
        return "Mend that (docs/object-stores.md)"

    @property
    @override
    def access_advice(self) -> str:
        return "See docs/object-stores.md"

    @property
    @override
    def builds_in_place(self) -> bool:
        return False

    @property
    @override
    def put_bytes(self) -> int:
        return PUT_BYTES

    @override
    def require_own(self) -> None:
        pass

    @override
    def require_writable(self) -> None:
        pass

    @override
    def make(self) -> None:
        pass

    @override
    def is_file(self) -> bool:
        above, name = self._place.split()
        return bool(name) and above.area().has_file(name)

    @override
    def has_folder(self, name: str) -> bool:
        return name in self._place.folders()

    @override
    def is_empty(self) -> bool:
        return not self._place.exists()

    @override
    def names(self, patterns: Iterable[str]) -> set[str]:
        wanted = list(patterns)
        names = (found.name for found in self._place.files())
        return {name for name in names if any(fnmatchcase(name, pattern) for pattern in wanted)}

    @override
    def find_file(self, name: str) -> Found | None:
        try:
            return self._place.find(name)
        except FileNotFoundError:
            return None

    @override
    @contextmanager
    def hold(self, name: str, *, notify: Callable[[str], None] = lambda text: None) -> Iterator[Claim]:
        """The claim itself shows whether conditions hold: it is put twice, and the second time must be refused."""
        with ExitStack() as held:
            try:
                kept = partial(self._require_kept, name)
                claim = held.enter_context(claimed(self._place, name, notify=notify, require_kept=kept))
            except OSError as error:
                if error.errno == errno.EREMOTEIO:  # it refused the put, or its condition
                    self._require_conditions()
                raise
            yield claim

    def _require_conditions(self) -> None:
        """Finds out whether it is the condition that the store refuses.

        Raises:
            OSError: If it is, or if nothing can be written at all.
        """
        probe = f"probe-{uuid.uuid4().hex}"
        self._place.write(probe, b"")
        try:
            self._require_kept(probe, "")
        except OSError as error:
            if error.errno != errno.EREMOTEIO:
                raise
            raise OSError(errno.ENOTSUP, NO_CONDITIONS.format(error.strerror)) from error
        finally:
            self._place.delete(probe)

    def _require_kept(self, name: str, content: str) -> None:
        place = self._place.below(name)
        if not keeps_object(place.bucket, place.key, content.encode()):
            raise OSError(
                errno.ENOTSUP, NO_CONDITIONS.format("it replaced an object that it was told to keep")
            )

    @override
    def remove(self) -> None:
        pass

    @override
    def mark(self, name: str) -> str:
        put = self._place.write(name, uuid.uuid4().hex.encode())
        return _made(self._place.find(name)._replace(identity=put.identity))

    @override
    def marked(self, name: str) -> str | None:
        try:
            return _made(self._place.find(name))
        except FileNotFoundError:
            return None

    @override
    def building(self, name: str) -> AbstractContextManager[BuiltFile]:
        return self._place.writing(name)

    @override
    def sync(self) -> None:
        pass

    @override
    def sweep(self) -> None:
        pass


def _made(found: Found) -> str:
    """When the store says that an object was put, and the tag that it gave it: no client can choose the time."""
    return f"{found.mtime_ns} {found.identity}"
