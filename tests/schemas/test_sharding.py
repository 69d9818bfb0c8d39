"""Split, order and shard assignment as arithmetic."""

import itertools
import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.schemas import sharding
from fitfeed.schemas.sharding import (
    DEFAULT_SHARD_BYTES,
    MAX_SHARDS_OF_SMALL_DATASET,
    number_of_shards,
    salted_hash,
    salted_hashes,
    salted_order,
    shard_bounds,
    shard_file_name,
    split_of,
    splits_of,
    stratified_splits,
)

KEYS = st.lists(st.text(min_size=1), unique=True, max_size=60)


@given(KEYS, st.integers(), st.randoms())
def test_order_depends_only_on_the_set_of_keys(keys: list[str], seed: int, shuffler: random.Random) -> None:
    shuffled = list(keys)
    shuffler.shuffle(shuffled)
    assert [keys[i] for i in salted_order(keys, seed=seed)] == [
        shuffled[i] for i in salted_order(shuffled, seed=seed)
    ]


@given(KEYS, st.integers())
def test_order_is_a_permutation(keys: list[str], seed: int) -> None:
    assert sorted(salted_order(keys, seed=seed)) == list(range(len(keys)))


def test_order_changes_with_the_seed() -> None:
    keys = [f"a/{i}.jpg" for i in range(100)]
    assert salted_order(keys, seed=0).tolist() != salted_order(keys, seed=1).tolist()


@given(KEYS, st.integers(), st.integers(1, 9))
def test_many_keys_at_once_are_hashed_as_one_by_one(keys: list[str], seed: int, at_once: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sharding, "KEYS_AT_ONCE", at_once)
        patch.setattr(sharding, "SORTED_AT_ONCE", 3 * at_once)
        hashes = salted_hashes(keys, seed=seed, purpose="order")
        order = salted_order(keys, seed=seed).tolist()
    assert hashes.tolist() == [salted_hash(key, seed=seed, purpose="order") for key in keys]
    by_hash_and_key = sorted(
        range(len(keys)), key=lambda i: (salted_hash(keys[i], seed=seed, purpose="order"), keys[i])
    )
    assert order == by_hash_and_key


@given(KEYS, st.integers())
def test_equal_hashes_are_ordered_by_key(keys: list[str], seed: int) -> None:
    def coarse(keys: list[str], *, seed: int, purpose: str) -> np.ndarray:
        return salted_hashes(keys, seed=seed, purpose=purpose) % np.uint64(3)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sharding, "salted_hashes", coarse)
        patch.setattr(sharding, "SORTED_AT_ONCE", 4)
        got = salted_order(keys, seed=seed).tolist()
    hashes = coarse(keys, seed=seed, purpose="order")
    assert got == sorted(range(len(keys)), key=lambda i: (hashes[i], keys[i]))


@given(
    KEYS, st.integers(), st.lists(st.floats(0.01, 1), min_size=1, max_size=5), st.sampled_from([0.5, 1, 1.5])
)
def test_many_keys_are_split_as_one_by_one(
    keys: list[str], seed: int, shares: list[float], total: float
) -> None:
    fractions = {f"split{i}": share * total / sum(shares) for i, share in enumerate(shares)}
    assert splits_of(keys, fractions, seed=seed) == [split_of(key, fractions, seed=seed) for key in keys]


def test_hash_is_pinned() -> None:
    # Datasets of earlier versions must come out the same: this value may never change.
    assert salted_hash("train/dress/1.jpg", seed=0, purpose="order") == 14859629637035471735
    assert salted_hash("train/dress/1.jpg", seed=0, purpose="split") == 3384345467621631801


def test_a_contiguous_block_is_a_random_sample_of_classes() -> None:
    keys = [f"{i % 10}/{i}.jpg" for i in range(10_000)]
    block = [keys[i][0] for i in salted_order(keys, seed=3)[:1000]]
    counts = Counter(block)
    assert len(counts) == 10
    # 1000 draws at 0.1: standard deviation 9.5; six of them
    assert all(abs(count - 100) < 57 for count in counts.values())


@given(st.integers(0, 5000), st.integers(1, 200))
def test_bounds_cover_everything_once_in_even_shards(examples: int, shards: int) -> None:
    bounds = shard_bounds(examples, shards)
    assert len(bounds) == shards
    assert [i for start, stop in bounds for i in range(start, stop)] == list(range(examples))
    sizes = [stop - start for start, stop in bounds]
    assert max(sizes) - min(sizes) <= 1


@given(
    st.integers(1, 10**8),
    st.integers(0, 10**14),
    st.none() | st.integers(1, 10**12),
    st.none() | st.integers(1, 10**6),
)
def test_there_is_always_a_sane_number_of_shards(
    examples: int, total_bytes: int, shard_bytes: int | None, shards: int | None
) -> None:
    count = number_of_shards(
        examples=examples, total_bytes=total_bytes, shard_bytes=shard_bytes, shards=shards
    )
    assert 1 <= count <= examples
    if shards is not None:
        assert count == min(shards, examples)


@pytest.mark.parametrize(
    ("examples", "total_bytes", "expected"),
    [
        (10, 10**6, 1),
        (391, 12 * 10**6, 6),
        (10_000, 400 * 10**6, MAX_SHARDS_OF_SMALL_DATASET),
        (1_281_167, 143 * 10**9, -(-143 * 10**9 // DEFAULT_SHARD_BYTES)),
        (10_000_000, 10**12, -(-(10**12) // DEFAULT_SHARD_BYTES)),
    ],
)
def test_default_shard_counts(examples: int, total_bytes: int, expected: int) -> None:
    assert number_of_shards(examples=examples, total_bytes=total_bytes) == expected


@given(st.integers(1, 10**6), st.integers(1, 10**9))
def test_shard_size_is_followed(examples: int, shard_bytes: int) -> None:
    total = examples * 50_000
    count = number_of_shards(examples=examples, total_bytes=total, shard_bytes=shard_bytes)
    assert count == examples or total / count <= shard_bytes
    assert count == 1 or total / (count - 1) > shard_bytes


FRACTIONS = {"train": 0.8, "validation": 0.15, "test": 0.05}


@given(st.text(), st.integers())
def test_every_key_has_one_split(key: str, seed: int) -> None:
    assert split_of(key, FRACTIONS, seed=seed) in FRACTIONS


def test_shares_are_met_and_stable() -> None:
    keys = [f"{i}.jpg" for i in range(20_000)]
    before = {key: split_of(key, FRACTIONS, seed=0) for key in keys}
    counts = Counter(before.values())
    for name, share in FRACTIONS.items():
        deviation = (20_000 * share * (1 - share)) ** 0.5
        assert abs(counts[name] - 20_000 * share) < 6 * deviation
    # A key's split is its own: nothing about other keys enters.
    assert {key: split_of(key, FRACTIONS, seed=0) for key in keys[::7]} == {
        key: before[key] for key in keys[::7]
    }


def test_shares_that_round_below_one_leave_no_gap() -> None:
    tenths = {f"s{i}": 0.1 for i in range(10)}
    *_, last = itertools.accumulate(tenths.values())  # `sum` is exact from Python 3.12 on
    assert last < 1
    assert {split_of(f"{i}", tenths, seed=0) for i in range(1000)} == set(tenths)


def test_shard_names() -> None:
    assert shard_file_name("train", 3, 16, "tfrecord") == "train-00003-of-00016.tfrecord"


def shares() -> st.SearchStrategy[dict[str, float]]:
    """Two to four shares that sum to 1."""
    parts = st.lists(st.integers(1, 20), min_size=2, max_size=4)
    return parts.map(lambda found: {f"s{i}": part / sum(found) for i, part in enumerate(found)})


@given(st.sets(st.text(min_size=1, max_size=4), max_size=40), shares(), st.integers(0, 3))
def test_stratified_shares_are_as_exact_as_integers_allow(
    keys: set[str], fractions: dict[str, float], seed: int
) -> None:
    ordered = sorted(keys)
    splits = stratified_splits(ordered, fractions, seed=seed)
    assert stratified_splits(ordered[::-1], fractions, seed=seed) == splits[::-1]
    off = [splits.count(name) - len(keys) * fraction for name, fraction in fractions.items()]
    assert all(abs(each) < 1 + 1e-9 for each in off)
    # The largest remainder method: moving one key from any split to another is no improvement.
    for more in off:
        for less in off:
            assert (more - 1) ** 2 + (less + 1) ** 2 >= more**2 + less**2 - 1e-9 or more is less


@given(st.sets(st.text(min_size=1, max_size=4), min_size=1, max_size=40), st.text(min_size=5, max_size=6))
def test_stratified_splits_move_only_what_lies_at_a_cut(keys: set[str], another: str) -> None:
    fractions = {"train": 0.75, "test": 0.25}
    ordered = sorted(keys)
    before = stratified_splits(ordered, fractions, seed=0)
    after = stratified_splits([*ordered, another], fractions, seed=0)[:-1]
    assert sum(one != other for one, other in zip(before, after, strict=True)) <= 1


def test_stratified_splits_come_near_to_those_by_hash() -> None:
    keys = [f"image {i}" for i in range(10_000)]
    fractions = {"train": 0.8, "validation": 0.1, "test": 0.1}
    exact = stratified_splits(keys, fractions, seed=1)
    by_hash = [split_of(key, fractions, seed=1) for key in keys]
    assert exact.count("train") == 8000
    assert sum(one != other for one, other in zip(exact, by_hash, strict=True)) < 200
