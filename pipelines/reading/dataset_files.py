"""The files of a dataset, wherever they are: a folder of this machine, or a store, with or without a cache."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.reading.block_cache import BlockCache
from fitfeed.pipelines.reading.cache_options import CacheOptions
from fitfeed.pipelines.reading.fetched_shards import FetchedShards
from fitfeed.pipelines.reading.index_copies import IndexCopies
from fitfeed.pipelines.reading.shard_files import ShardFiles
from fitfeed.pipelines.reading.traffic import TrafficCounter
from fitfeed.schemas.checked_index import check_index, open_checked_index
from fitfeed.schemas.errors import DamagedDatasetError, UsageError
from fitfeed.schemas.index import Index
from fitfeed.schemas.manifest import Manifest, read_as_one
from fitfeed.schemas.manifest_parts import Shard
from fitfeed.schemas.storage.place import Place, Range


class ShardReader(Protocol):
    """Reads byte ranges of the shards of a split. Thread-safe."""

    def read(self, shard: int, offset: int, length: int) -> bytes:
        """Reads a byte range; fewer bytes only where the shard ends."""

    def read_into(self, shard: int, offset: int, memory: memoryview) -> int:
        """Reads a byte range into memory of its size; returns how many bytes were read."""

    def read_several(self, shard: int, ranges: Sequence[Range]) -> list[int]:
        """Does the same for several ranges of a shard."""

    def read_cached(self, shard: int, wanted: Range) -> bool:
        """Reads a range, if a cache has all of it; returns whether it has."""

    def read_ranges(
        self, shards: npt.NDArray[np.int32], offsets: npt.NDArray[np.int64], out: npt.NDArray[np.uint8]
    ) -> list[int]:
        """Reads n ranges of one length to the rows of `out`; returns the rows that are not filled."""


class DatasetFiles:
    """Opens the files of one dataset. Thread-safe. Picklable: the copy opens them again.

    Attributes:
        place: Where the dataset is.
        traffic: Counts what is fetched.
    """

    def __init__(
        self,
        place: Place,
        manifest_identity: str,
        cache: CacheOptions | None = None,
        other_copies: Path | None = None,
    ) -> None:
        """Opens nothing.

        Args:
            place: Where the dataset is.
            manifest_identity: Identity of the file of its manifest.
            cache: Where blocks of shards are kept. None: nowhere.
            other_copies: Folder of another process that may have copies of the indexes.
        """
        self.place, self._identity, self._cache_options = place, manifest_identity, cache
        self.traffic = TrafficCounter()
        self._cache: BlockCache | None = None
        if cache is not None:
            try:
                self._cache = BlockCache(*cache)
            except OSError as error:
                msg = f"the folder {cache.folder} cannot be made: {error.strerror}. Received: cache={str(cache.folder)!r}. Name a folder that can be written."
                raise UsageError(msg) from error
        keep = None if cache is None else cache.folder
        self._copies = IndexCopies(place, self.traffic, keep=keep, other=other_copies)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles addresses and options."""
        return DatasetFiles, (self.place, self._identity, self._cache_options, self._copies.folder)

    @property
    def are_far(self) -> bool:
        """Whether payloads should be read ahead of use, many at once: reading one takes long."""
        return self.place.local_folder is None or self.has_cache

    @property
    def has_cache(self) -> bool:
        """Whether what is fetched is kept on this machine."""
        return self._cache is not None

    def address(self, name: str) -> str:
        """The address of a file, for messages."""
        return self.place.address(name)

    def open_index(self, manifest: Manifest, split: str) -> Index:
        """Opens the index of a split.

        Args:
            manifest: The manifest.
            split: Name of the split.

        Raises:
            DamagedDatasetError: If it is missing, is not what the manifest says, or contradicts it.
            FeedError: If it cannot be fetched.
        """
        held = manifest.splits[split].index

        def read(now: Manifest) -> Index:
            here = now.splits.get(split)
            if here is None or here.index.sha256 != held.sha256:
                msg = f"{self.place} was appended to or replaced since it was opened. Open the dataset again, and begin anew."
                raise DamagedDatasetError(msg)
            return self._open_index(now, split)

        return read_as_one(self.place, read, found=(manifest, self._identity))

    def _open_index(self, manifest: Manifest, split: str) -> Index:
        folder, entry = self.place.local_folder, manifest.splits[split].index
        if folder is not None:
            return open_checked_index(folder, manifest, split)
        address = self.address(entry.file)
        with self._copies.get(entry).open("rb") as stream:
            index = Index(address, manifest.features.label_kinds, stream=stream)
        check_index(index, manifest, split, address)
        return index

    def shards(self, entries: Sequence[Shard]) -> ShardReader:
        """Returns what reads some shards. None is opened before it is read.

        Args:
            entries: The shards, in order.
        """
        folder = self.place.local_folder
        if folder is not None and self._cache is None:
            return ShardFiles(folder, [entry.file for entry in entries])
        return FetchedShards(
            self.place,
            entries,
            manifest_identity=self._identity,
            cache=self._cache,
            traffic=self.traffic,
        )
