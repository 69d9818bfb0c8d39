"""Arithmetic on keys: the split, order and shard of every example.

Everything here is a function of (key, seed) and of counts. It does not depend on the order in which a source was
listed, on the number of workers or on the runner. So the same source and options always give the same bytes.
"""

import collections
import hashlib
import itertools
import math
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from fitfeed.schemas.categories import Categories
from fitfeed.schemas.packed_texts import PackedTexts

MIN_EXAMPLES_PER_SHARD = 64
"""Smaller shards of a small dataset would cost more as files than they gain as work for more workers."""

MAX_SHARDS_OF_SMALL_DATASET = 8
"""A dataset that is smaller than one shard is still cut into up to this many, to convert in parallel."""

KEYS_AT_ONCE = 1 << 11
"""Keys that are hashed at once. It limits the memory that is used besides the result."""

SORTED_AT_ONCE = 1 << 18
"""About how many hashes are sorted at once, for the same reason."""

DEFAULT_SHARD_BYTES = 128 << 20  # 128 MiB: large sequential reads, still cheap to redo after a crash


def salted_hash(key: str, *, seed: int, purpose: str) -> int:
    """Hashes a key to 64 uniform bits.

    Args:
        key: The example's key.
        seed: The user's salt (`--seed`).
        purpose: Name of an independent use (`"order"`, `"split"`), so that an example's place in the order does not
            depend on its split.

    Returns:
        An integer in [0, 2**64): BLAKE2b with a 64-bit digest (RFC 7693), keyed by seed and purpose.
    """
    salt = f"{purpose}:{seed}".encode()
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8, key=salt).digest(), "big")


def salted_hashes(keys: Sequence[str], *, seed: int, purpose: str) -> npt.NDArray[np.uint64]:
    """`salted_hash` of many keys. It takes a fifth of the memory of as many integers.

    Returns:
        uint64 (keys,).
    """
    salted = hashlib.blake2b(digest_size=8, key=f"{purpose}:{seed}".encode())
    hashes = np.empty(len(keys), np.uint64)
    for start in range(0, len(keys), KEYS_AT_ONCE):
        some = keys[start : start + KEYS_AT_ONCE]
        encoded = some.to_bytes() if isinstance(some, PackedTexts) else [key.encode() for key in some]
        hashes[start : start + len(encoded)] = np.frombuffer(_digests(encoded, salted), ">u8")
    return hashes


def _digests(keys: Sequence[bytes], salted: "hashlib.blake2b") -> bytes:
    """The digests of keys by a hash that has the salt, one after the other: one loop for each step saves a call of Python for each key."""
    states = list(map(type(salted).copy, itertools.repeat(salted, len(keys))))
    collections.deque(map(type(salted).update, states, keys), maxlen=0)
    return b"".join(map(type(salted).digest, states))


def salted_order(keys: Sequence[str], *, seed: int) -> npt.NDArray[np.unsignedinteger[Any]]:
    """Orders keys by their salted hash, and equal hashes by the key itself.

    Returns:
        unsigned (keys,): the positions of `keys` in their new order: a permutation of `range(len(keys))` that
        depends only on the set of keys and the seed.
    """
    high, bucket = np.empty(len(keys), np.uint32), np.empty(len(keys), np.uint8)
    bits = min(8, (len(keys) // SORTED_AT_ONCE).bit_length())
    for start in range(0, len(keys), KEYS_AT_ONCE):
        hashes = salted_hashes(keys[start : start + KEYS_AT_ONCE], seed=seed, purpose="order")
        high[start : start + len(hashes)] = hashes >> np.uint64(32)
        bucket[start : start + len(hashes)] = hashes >> np.uint64(64 - bits)  # 0 if no bit is left
    order = np.empty(len(keys), np.min_scalar_type(len(keys)))  # half the memory of int64 for ten million
    begin = 0
    for number in range(1 << bits):  # each takes a part of the memory
        some = np.flatnonzero(bucket == number)
        order[begin : begin + len(some)] = _ordered(some, high[some], keys, seed=seed)
        begin += len(some)
    return order


def _ordered(
    places: npt.NDArray[np.int64], high: npt.NDArray[np.uint32], keys: Sequence[str], *, seed: int
) -> npt.NDArray[np.int64]:
    """Orders places by the upper halves of hashes. Where these are equal, by the whole hash, made once more, and by key."""
    by_hash = np.argsort(high, kind="stable")
    places, high = places[by_hash], high[by_hash]
    same = np.concatenate([[False], high[1:] == high[:-1], [False]])
    edges = np.flatnonzero(np.diff(same.astype(np.int8)))
    for start, stop in edges.reshape(-1, 2).tolist():  # each run of equal halves
        run = places[start : stop + 1].tolist()
        run_keys = [keys[place] for place in run]
        hashes = salted_hashes(run_keys, seed=seed, purpose="order").tolist()
        places[start : stop + 1] = [place for *_, place in sorted(zip(hashes, run_keys, run, strict=True))]
    return places


def split_of(key: str, fractions: Mapping[str, float], *, seed: int) -> str:
    """Assigns a key to a split by its hash. Adding or removing other keys never moves it.

    Args:
        key: The example's key.
        fractions: Split name to share, in order; the shares sum to 1.
        seed: The user's salt.
    """
    position = salted_hash(key, seed=seed, purpose="split") / 2**64
    upper = 0.0
    *others, last = fractions
    for name in others:
        upper += fractions[name]
        if position < upper:
            return name
    return last  # even if the shares sum to a little less in floating point


def splits_of(keys: Sequence[str], fractions: Mapping[str, float], *, seed: int) -> Categories[str]:
    """`split_of` of many keys."""
    uppers = list(itertools.accumulate(fractions.values()))[:-1]
    numbers = np.empty(len(keys), np.min_scalar_type(len(fractions)))
    for start in range(0, len(keys), KEYS_AT_ONCE):
        some = keys[start : start + KEYS_AT_ONCE]
        positions = salted_hashes(some, seed=seed, purpose="split") / 2**64
        numbers[start : start + len(some)] = np.searchsorted(uppers, positions, side="right")
    return Categories(list(fractions), numbers)


def stratified_splits(keys: Sequence[str], fractions: Mapping[str, float], *, seed: int) -> list[str]:
    """Assigns the keys of one class to splits, in shares that are exact to within one key.

    The keys are ordered by the hash that `split_of` uses, and cut where the shares end. So the cuts are near the
    thresholds of `split_of`, and move little when keys are added: only keys between an old cut and the new one change
    their split.

    Args:
        keys: All keys of the class, in any order.
        fractions: Split name to share, in order; the shares sum to 1.
        seed: The user's salt.

    Returns:
        The split of each key. A split gets its exact share, rounded up or down by the largest
        remainder method (Hamilton). Of equal remainders, the earlier split comes first.
    """
    order = sorted(
        range(len(keys)), key=lambda i: (salted_hash(keys[i], seed=seed, purpose="split"), keys[i])
    )
    exact = [Fraction(fraction) * len(keys) for fraction in fractions.values()]
    total = sum(exact) or Fraction(1)
    exact = [share * len(keys) / total for share in exact]  # shares such as 1/3 sum to 1 only nearly
    sizes = [math.floor(share) for share in exact]
    by_remainder = sorted(range(len(exact)), key=lambda i: (sizes[i] - exact[i], i))
    for i in by_remainder[: len(keys) - sum(sizes)]:
        sizes[i] += 1
    splits = [""] * len(keys)
    names = (name for name, size in zip(fractions, sizes, strict=True) for _ in range(size))
    for place, name in zip(order, names, strict=True):
        splits[place] = name
    return splits


def number_of_shards(
    *, examples: int, total_bytes: int, shard_bytes: int | None = None, shards: int | None = None
) -> int:
    """Chooses how many shards a split gets.

    Args:
        examples: Examples in the split.
        total_bytes: Their expected stored size.
        shard_bytes: The size of a shard. None: `DEFAULT_SHARD_BYTES`, but a small split is cut into up to
            `MAX_SHARDS_OF_SMALL_DATASET` shards, so that it converts in parallel, too.
        shards: The number of shards. If it is given, the size does not matter.

    Returns:
        At least 1, and at most the number of examples.
    """
    if shards is not None:
        wanted = shards
    elif shard_bytes is not None:
        wanted = math.ceil(total_bytes / shard_bytes)
    else:
        by_size = math.ceil(total_bytes / DEFAULT_SHARD_BYTES)
        by_count = min(MAX_SHARDS_OF_SMALL_DATASET, examples // MIN_EXAMPLES_PER_SHARD)
        wanted = max(by_size, by_count)
    return max(1, min(wanted, examples))


def shard_bounds(examples: int, shards: int) -> list[tuple[int, int]]:
    """Cuts `range(examples)` into consecutive shards whose sizes differ by at most one."""
    return [(examples * k // shards, examples * (k + 1) // shards) for k in range(shards)]


def shard_file_name(split: str, number: int, shards: int, extension: str) -> str:
    """Names a shard, for example `train-00003-of-00016.tfrecord`."""
    return f"{split}-{number:05d}-of-{shards:05d}.{extension}"


_SHARD_FILE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}-[0-9]{5,}-of-[0-9]{5,}\.(tfrecord|h5)", re.ASCII)


def is_shard_file_name(name: str) -> bool:
    """Whether `shard_file_name` may have made a name."""
    return _SHARD_FILE_NAME.fullmatch(name) is not None


def index_file_name(split: str) -> str:
    """Names a split's index, for example `train.index.arrow`."""
    return f"{split}.index.arrow"


DATASET_PATTERNS = ("*-of-*.tfrecord", "*-of-*.h5", "*.index.arrow")
"""Names of shards and indexes: a folder with such files is, or was, a dataset."""
