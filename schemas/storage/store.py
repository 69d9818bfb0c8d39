"""A prefix in an object store as a place."""

import errno
import os
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import obstore
from typing_extensions import override

from fitfeed.schemas.chunks import in_chunks
from fitfeed.schemas.files import pwrite_all
from fitfeed.schemas.storage.address import MEMORY, Bucket, parse_address
from fitfeed.schemas.storage.again import again
from fitfeed.schemas.storage.clients import MAX_REQUEST_BYTES, client_of
from fitfeed.schemas.storage.errors import explained
from fitfeed.schemas.storage.failures import taken_less
from fitfeed.schemas.storage.identity import bare_tag, found_of, identity_of
from fitfeed.schemas.storage.listing import LIST_CHUNK, entries_of, objects_below
from fitfeed.schemas.storage.place import Entries, Found, OpenFile, Place, Result, require_name
from fitfeed.schemas.storage.store_area import StoreWorkArea
from fitfeed.schemas.storage.store_file import StoreFile
from fitfeed.schemas.storage.store_object import StoreObject
from fitfeed.schemas.storage.work_area import BuiltFile, WorkArea

if TYPE_CHECKING:
    from obstore import ObjectMeta, PutMode, PutResult, UpdateVersion

PART_BYTES = 8 << 20
"""Smallest part of an object that is put in parts."""

MAX_PARTS = 9000
"""S3 takes 10,000."""

PARALLEL_PARTS = 4
"""Parts of one object that are under way at once."""

MAX_COPY_BYTES = {"s3": 5 << 30}
"""Scheme to what its stores copy by one request. What is larger is fetched and put; others copy files of any size."""

COPY_WAIT_S = 300
"""Seconds that a copy within the store may take."""

WRITER = "fitfeedwriter"
"""Attribute of an object that was put on a condition: a random text, by which its writer knows it again.

Azure takes letters and digits only.
"""


@dataclass(frozen=True)
class StorePlace(Place):
    """A prefix in a bucket.

    Attributes:
        bucket: The bucket.
        key: The prefix, without slashes at its ends; empty for the whole bucket.
    """

    bucket: Bucket
    key: str

    @classmethod
    def at(cls, address: str, what: str) -> Self:
        """The place of an address.

        Args:
            address: Such as `gs://bucket/flowers`.
            what: What messages call it.

        Raises:
            UsageError: If it is not an address of a store.
        """
        return cls(*parse_address(address, what))

    @override
    def __str__(self) -> str:
        return f"{self.bucket.scheme}://{self.bucket.name}" + (f"/{self.key}" if self.key else "")

    @override
    def below(self, name: str) -> Self:
        return type(self)(self.bucket, self._key(name))

    @override
    def absolute(self) -> Self:
        return self

    @override
    def split(self) -> tuple[Self, str]:
        above, _, name = self.key.rpartition("/")
        return type(self)(self.bucket, above), name

    @property
    @override
    def is_far(self) -> bool:
        return self.bucket.scheme != MEMORY

    @property
    @override
    def local_folder(self) -> Path | None:
        return None

    @override
    def choose(self, *, local: Callable[[Path], Result], far: Callable[[Place], Result]) -> Result:
        return far(self)

    @override
    def area(self) -> WorkArea:
        return StoreWorkArea(self)

    @override
    def exists(self) -> bool:
        return next(self.files(deep=True), None) is not None

    @override
    def within(self, other: Place) -> bool:
        return isinstance(other, StorePlace) and f"{self}/".startswith(f"{other}/")

    @override
    def files(self, *, deep: bool = False) -> Iterator[Found]:
        if deep:
            return map(self._found, objects_below(self.bucket, self.key, str(self)))
        return iter(self.entries().files)

    @override
    def folders(self) -> list[str]:
        return self.entries().folders

    @override
    def entries(self) -> Entries:
        return again(self._entries)

    def _entries(self) -> Entries:
        with explained(self.bucket, "list", str(self)):
            objects, prefixes = entries_of(client_of(self.bucket, str(self)), self.key)
        return Entries([self._found(meta) for meta in objects], sorted(map(self._name, prefixes)))

    @override
    def find(self, name: str) -> Found:
        with explained(self.bucket, "read", self.address(name)):
            return self._found(obstore.head(self._client(name), self._key(name)))

    @override
    def find_each(self, names: Iterable[str]) -> Iterator[Found]:
        listed = {found.name: found for found in self.files()}
        for name in names:  # one that is not listed may be there since, or its name may be wrong
            yield listed[name] if name in listed else self.find(name)

    @override
    def open(self, name: str) -> OpenFile:
        return StoreFile(self._object(name), self.find(name))

    @override
    def read(self, name: str, *, at_most: int) -> tuple[bytes, Found]:
        if at_most == 0:
            return b"", self.find(name)
        stored = self._object(name)
        first, meta = stored.get(0, min(at_most, MAX_REQUEST_BYTES))
        found = self._found(meta)
        size = min(found.bytes, at_most)
        if len(first) == size:
            return bytes(first), found
        content = bytearray(size)
        content[: len(first)] = first
        rest = memoryview(content)[len(first) :]
        if StoreFile(stored, found).read_into(len(first), rest) < len(rest):
            raise stored.cut_off()
        return bytes(content), found

    @override
    @contextmanager
    def as_file(self, name: str) -> Iterator[Path]:
        found = self.find(name)
        with tempfile.TemporaryDirectory(prefix="fitfeed-") as folder:
            path = Path(folder) / name.rpartition("/")[2]
            self._download(found, path)
            yield path

    def _download(self, found: Found, path: Path) -> None:
        stored = self._object(found.name)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

        def copy(offset: int) -> None:
            data, _ = stored.get(offset, MAX_REQUEST_BYTES, identity=found.identity)
            pwrite_all(descriptor, offset, data)

        try:
            if found.bytes:
                os.posix_fallocate(
                    descriptor, 0, found.bytes
                )  # no room is noticed before anything is fetched
            with ThreadPoolExecutor(PARALLEL_PARTS) as pool:
                for _ in pool.map(copy, range(0, found.bytes, MAX_REQUEST_BYTES)):
                    pass
        finally:
            os.close(descriptor)

    @override
    def write(self, name: str, content: bytes) -> Found:
        def put() -> "PutResult":
            with explained(self.bucket, "write", self.address(name)):
                return obstore.put(self._client(name), self._key(name), content, use_multipart=False)

        return self._written(name, len(content), again(put))

    @override
    def write_if(self, name: str, content: bytes, *, identity: str | None) -> Found:
        writer = uuid.uuid4().hex

        def put() -> "PutResult | None":
            try:
                with explained(self.bucket, "write", self.address(name)):
                    mode: PutMode = "create" if identity is None else self._update_of(name, identity)
                    return obstore.put(
                        self._client(name), self._key(name), content, mode=mode, attributes={WRITER: writer}
                    )
            except FileNotFoundError:
                raise FileExistsError(errno.EEXIST, "it is gone", self.address(name)) from None
            except FileExistsError:
                # Maybe an earlier attempt succeeded, its answer was lost, and this one met what that has written.
                if not self._was_written_by(name, writer):
                    raise
                return None

        return self._written(name, len(content), again(put))

    def _update_of(self, name: str, identity: str) -> "PutMode":
        """The condition of a put. GCS compares generations, which listings do not have: so they are asked for."""
        meta = obstore.head(self._client(name), self._key(name))
        if identity_of(meta) != identity:
            raise FileExistsError(errno.EEXIST, "it was replaced meanwhile", self.address(name))
        mode: UpdateVersion = {"e_tag": meta["e_tag"]}
        if self.bucket.scheme == "gs" and meta["version"]:
            mode["version"] = meta["version"]
        return mode

    def _was_written_by(self, name: str, writer: str) -> bool:
        with explained(self.bucket, "read", self.address(name)):
            try:
                result = obstore.get(self._client(name), self._key(name), options={"head": True})
            except FileNotFoundError:
                return False
            return result.attributes.get(WRITER) == writer

    @override
    @contextmanager
    def writing(self, name: str) -> Iterator[BuiltFile]:
        with tempfile.TemporaryDirectory(prefix="fitfeed-") as folder:
            built = BuiltFile(Path(folder) / name.rpartition("/")[2])
            yield built
            built.end(self._upload(built.path, name))

    def _upload(self, path: Path, name: str) -> Found:
        size = path.stat().st_size
        chunk = max(PART_BYTES, -(-size // MAX_PARTS))
        result = again(lambda: self._put_file(name, path, chunk), also=(FileNotFoundError,))
        # What was put in parts may be listed with another ETag than the answer had.
        return self._written(name, size, result if size < chunk else None)

    def _put_file(self, name: str, path: Path, chunk: int) -> "PutResult":
        """Puts a file. After an answer that was lost, the parts of an upload may be gone: then it is put anew."""
        with explained(self.bucket, "write", self.address(name)):
            return obstore.put(
                self._client(name),
                self._key(name),
                path,
                chunk_size=chunk,
                max_concurrency=PARALLEL_PARTS,
            )

    def _written(self, name: str, size: int, result: "PutResult | None") -> Found:
        """What was put, by the answer of the store, which says how it calls it. Where it does not, it is asked.

        Its size is not asked for: who publishes compares the sizes of all files at once, or asks for it (`require_size`).
        """
        if result and result["e_tag"]:
            return Found(name, size, bare_tag(result["e_tag"]))
        found = self.find(name)
        if found.bytes != size:
            raise taken_less(size, found.bytes, self.address(name))
        return found

    @override
    def copy(self, name: str, new: str, *, through: str, size: int | None = None) -> Found:
        size = self.find(name).bytes if size is None else size
        if size > MAX_COPY_BYTES.get(self.bucket.scheme, size):
            with self.as_file(name) as path:
                return self._upload(path, new)

        def copy() -> None:
            with explained(self.bucket, "write", self.address(new)):
                obstore.copy(self._client(name), self._key(name), self._key(new))

        again(copy)
        end = time.monotonic() + COPY_WAIT_S
        while (copied := self.find(new)).bytes != size:  # Azure may answer before it has copied
            size = self.find(name).bytes  # it may be another one than was listed
            if copied.bytes == size:
                break
            if time.monotonic() > end:
                raise OSError(errno.ETIMEDOUT, f"it was not copied in {COPY_WAIT_S} s", self.address(new))
            time.sleep(0.5)
        return copied

    @override
    def move(self, name: str, new: str, *, size: int | None = None) -> Found:
        copied = self.copy(name, new, through=new, size=size)
        self.delete(name)
        return copied

    @override
    def delete(self, name: str) -> None:
        self._delete([self._key(name)])

    @override
    def delete_all(self) -> None:
        for chunk in in_chunks((self._key(found.name) for found in self.files(deep=True)), LIST_CHUNK):
            self._delete(chunk)

    def _delete(self, keys: list[str]) -> None:
        """Deletes objects. If one is not there any more, some stores refuse all: then they are deleted one by one."""

        def delete() -> None:
            with explained(self.bucket, "delete", f"{self.bucket.scheme}://{self.bucket.name}/{keys[0]}"):
                obstore.delete(client_of(self.bucket, str(self)), keys)

        try:
            again(delete)
        except FileNotFoundError:
            for key in keys if len(keys) > 1 else ():
                self._delete([key])

    def _object(self, name: str) -> StoreObject:
        return StoreObject(self.bucket, self._key(name), self.address(name))

    def _client(self, name: str) -> "obstore.store.ObjectStore":
        return client_of(self.bucket, self.address(name))

    def _key(self, name: str) -> str:
        return f"{self.key}/{require_name(name)}" if self.key else require_name(name)

    def _name(self, key: str) -> str:
        return key[len(self.key) + 1 :] if self.key else key

    def _found(self, meta: "ObjectMeta") -> Found:
        return found_of(meta, self._name(meta["path"]))
