"""Finds near-duplicates, pictures whose difference hashes differ in a few bits, without comparing all pairs."""

import dataclasses
import itertools
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from fitfeed.converters.staging.results import Words

DISTANCE = 4
"""Pictures are near-duplicates if their hashes differ in at most this number of bits to the right, and downwards.

Of 521 photographs none looked like another (with 6 bits, one did). Of copies at quality 60, 99.8% were found; at quality
30, 98%; at half the size, 96%; at half the size and quality 60, 92%.
"""

BANDS = DISTANCE + 2
"""Parts of a hash. Two hashes that differ in at most DISTANCE bits are equal in at least two parts."""

NEIGHBORS = 64
"""Others of its bucket with which a picture is compared. It limits the work if thousands have equal parts."""

MAX_PAIRS = 1 << 18
"""No more pairs are kept: a film whose frames all look alike has a hundred for each of them."""

MIN_BITS = 8
"""A picture whose hash has fewer bits set is too plain to be compared."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class NearDuplicates:
    """What was found.

    Attributes:
        within: How many pictures look like an earlier one of their split.
        across_splits: How many look like one of an earlier split.
        pairs: int64 (pairs, 3): later, earlier, bits that differ. Those across splits come first, then
            those most alike.
        exhaustive: False if a bucket was too large to compare all, or if there are more than `MAX_PAIRS`:
            the counts are lower bounds then, or some pairs are left out.
    """

    within: int
    across_splits: int
    pairs: npt.NDArray[np.int64]
    exhaustive: bool


Places = npt.NDArray[np.int64]


def find_near_duplicates(looks: Words, splits: npt.NDArray[np.int64]) -> NearDuplicates:
    """Finds pictures that look alike.

    Args:
        looks: uint64 (n, 2), the hashes; of identical pictures only one.
        splits: int64 (n,), ascending: number of the split.
    """
    informative = np.flatnonzero(count_bits(looks).sum(axis=1) >= MIN_BITS)
    # Sorted, so that in a bucket the most similar ones are neighbors, which are compared even in a large bucket.
    order = informative[np.lexsort((looks[informative, 1], looks[informative, 0]))]
    collector = _PairCollector(looks[order], order, splits)
    exhaustive = True
    for bucket in _buckets(looks[order, 0]):
        exhaustive &= _compare_neighbors(*bucket, collector)
    pairs = collector.pairs()
    return NearDuplicates(
        within=int(collector.within.sum()),
        across_splits=int(collector.across.sum()),
        pairs=pairs,
        exhaustive=exhaustive and collector.has_all,
    )


def count_bits(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint8]:
    """Counts the bits that are set: uint64 of any shape to uint8 of that shape, 0 to 64."""
    return np.bitwise_count(words) if hasattr(np, "bitwise_count") else add_up_bits(words)


def add_up_bits(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint8]:
    """Counts bits as `count_bits` does, with what NumPy 1 has: adds up pairs of bits, then of pairs, then of bytes."""
    ones = 0x0101010101010101
    pairs, fours, eights = (np.uint64(byte * ones) for byte in (0x55, 0x33, 0x0F))
    sums = words - ((words >> np.uint64(1)) & pairs)
    sums = (sums & fours) + ((sums >> np.uint64(2)) & fours)
    sums = (sums + (sums >> np.uint64(4))) & eights
    counts: npt.NDArray[np.uint8] = ((sums * np.uint64(ones)) >> np.uint64(56)).astype(np.uint8)
    return counts


def _buckets(words: npt.NDArray[np.uint64]) -> Iterator[tuple[npt.NDArray[np.uint32], Places]]:
    """For each pair of parts: these parts of all words in ascending order, and the word of each.

    Words that differ in at most DISTANCE bits have equal keys in at least one of the 15 buckets.
    """
    edges = [64 * band // BANDS for band in range(BANDS + 1)]
    parts = [
        (words >> np.uint64(low)) & np.uint64((1 << (high - low)) - 1)
        for low, high in itertools.pairwise(edges)
    ]
    for one, other in itertools.combinations(parts, 2):
        keys = ((one << np.uint64(16)) | other).astype(np.uint32)  # 11 bits each at most
        order = np.argsort(keys, kind="stable")
        yield keys[order], order


def _compare_neighbors(keys: npt.NDArray[np.uint32], places: Places, collector: "_PairCollector") -> bool:
    """Compares each word with the next ones that have the same key. Returns whether these were all."""
    starts = np.arange(len(keys))
    for step in range(1, NEIGHBORS + 2):
        starts = starts[: np.searchsorted(starts, len(keys) - step)]
        starts = starts[keys[starts] == keys[starts + step]]
        if not len(starts):
            return True
        if step <= NEIGHBORS:
            collector.compare(places[starts], places[starts + step])
    return False


class _PairCollector:
    """Collects the pairs of pictures that look alike."""

    def __init__(self, looks: Words, origin: Places, splits: npt.NDArray[np.int64]) -> None:
        self.within = np.zeros(len(splits), np.bool_)
        self.across = np.zeros(len(splits), np.bool_)
        self.has_all = True
        self._looks, self._origin, self._splits = looks, origin, splits
        self._found = [np.empty((0, 3), np.int64)]
        self._count = 0

    def compare(self, one: Places, other: Places) -> None:
        """Compares pairs of words, given by their places in sorted order."""
        bits = count_bits(self._looks[one] ^ self._looks[other])
        near = np.flatnonzero((bits <= DISTANCE).all(axis=1))
        pair = np.stack([self._origin[one[near]], self._origin[other[near]]])
        later, earlier = pair.max(axis=0), pair.min(axis=0)
        across = self._splits[later] != self._splits[earlier]
        self.within[later[~across]] = True
        self.across[later[across]] = True
        if self.has_all:
            self._found.append(np.stack([later, earlier, bits[near].sum(axis=1, dtype=np.int64)], axis=1))
            self._count += len(near)
        if self._count > 4 * MAX_PAIRS:
            self._merge()

    def _merge(self) -> None:
        """Leaves one of each pair: two words may meet in all 15 buckets."""
        found = np.concatenate(self._found)
        _, first = np.unique(found[:, 0] * len(self._splits) + found[:, 1], return_index=True)
        self.has_all &= len(first) <= MAX_PAIRS
        self._found = [found[first[:MAX_PAIRS]]]
        self._count = len(self._found[0])

    def pairs(self) -> npt.NDArray[np.int64]:
        """See `NearDuplicates`."""
        self._merge()
        (found,) = self._found
        within = self._splits[found[:, 0]] == self._splits[found[:, 1]]
        return found[np.lexsort((found[:, 1], found[:, 0], found[:, 2], within))]
