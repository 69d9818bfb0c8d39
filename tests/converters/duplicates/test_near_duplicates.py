"""The fast search for similar hashes finds what comparing all of them finds."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fitfeed.converters.duplicates import near_duplicates
from fitfeed.converters.duplicates.near_duplicates import (
    DISTANCE,
    MIN_BITS,
    add_up_bits,
    count_bits,
    find_near_duplicates,
)
from tests.effort import tries

Words = npt.NDArray[np.uint64]


def bits_of(words: Words) -> npt.NDArray[np.int64]:
    return np.array([word.bit_count() for word in words.tolist()])


def by_comparing_all(
    looks: Words, splits: npt.NDArray[np.int64]
) -> tuple[int, int, set[tuple[int, int, int]]]:
    within: set[int] = set()
    across: set[int] = set()
    pairs: set[tuple[int, int, int]] = set()
    for later in range(len(looks)):
        for earlier in range(later):
            bits = bits_of(looks[later] ^ looks[earlier])
            plain = min(bits_of(looks[i]).sum() for i in (later, earlier)) < MIN_BITS
            if (bits <= DISTANCE).all() and not plain:
                pairs.add((later, earlier, int(bits.sum())))
                (within if splits[later] == splits[earlier] else across).add(later)
    return len(within), len(across), pairs


def scattered(seed: int, *, families: int, members: int) -> tuple[Words, npt.NDArray[np.int64]]:
    """Families of hashes that differ in up to 7 bits from their ancestor, and their splits."""
    generator = np.random.default_rng(seed)
    ancestors = generator.integers(0, 2**64, (families, 2), np.uint64, endpoint=False)
    ancestors[0] = 0  # a plain picture
    looks = np.repeat(ancestors, members, axis=0)
    for row in looks:
        for _ in range(generator.integers(8)):
            row[generator.integers(2)] ^= np.uint64(1) << np.uint64(generator.integers(64))
    generator.shuffle(looks, axis=0)
    return looks, np.sort(generator.integers(0, 3, len(looks)))


@settings(max_examples=tries(60))
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 8))
def test_equals_comparing_all(seed: int, families: int, members: int) -> None:
    looks, splits = scattered(seed, families=families, members=members)
    found = find_near_duplicates(looks, splits)
    within, across, pairs = by_comparing_all(looks, splits)
    assert (found.within, found.across_splits) == (within, across)
    assert {tuple(pair) for pair in found.pairs.tolist()} == pairs
    assert len(found.pairs) == len(pairs)
    assert found.exhaustive


@given(st.integers(0, 2**64 - 1), st.sets(st.integers(0, 63), max_size=DISTANCE))
def test_no_choice_of_differing_bits_is_missed(word: int, bits: set[int]) -> None:
    other = word ^ sum(1 << bit for bit in bits)
    looks = np.array([[word, 2**64 - 1], [other, 2**64 - 1]], np.uint64)
    assert find_near_duplicates(looks, np.zeros(2, np.int64)).pairs.tolist() == [[1, 0, len(bits)]]


@pytest.mark.slow
def test_many_equal_hashes_are_counted_with_bounded_work(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0
    compare = near_duplicates._PairCollector.compare

    def counting(
        self: near_duplicates._PairCollector, one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]
    ) -> None:
        nonlocal compared
        compared += len(one)
        compare(self, one, other)

    monkeypatch.setattr(near_duplicates._PairCollector, "compare", counting)
    looks = np.full((5000, 2), 0x0F0F0F0F0F0F0F0F, np.uint64)
    found = find_near_duplicates(looks, np.zeros(5000, np.int64))
    assert found.within == 4999
    assert 4999 * near_duplicates.NEIGHBORS / 2 < len(found.pairs) < 5000 * 15 * near_duplicates.NEIGHBORS
    assert len(np.unique(found.pairs[:, :2], axis=0)) == len(found.pairs)
    assert not found.exhaustive
    assert compared <= 15 * 5000 * near_duplicates.NEIGHBORS


def test_those_across_splits_are_shown_first() -> None:
    looks = np.full((6, 2), 0x0F0F0F0F0F0F0F0F, np.uint64)
    found = find_near_duplicates(looks, np.array([0, 0, 0, 0, 0, 1]))
    assert [later for later, _, _ in found.pairs[:6].tolist()] == [5, 5, 5, 5, 5, 1]


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_to_compare(count: int) -> None:
    found = find_near_duplicates(np.ones((count, 2), np.uint64) * 0xFFFF, np.zeros(count, np.int64))
    assert (found.within, found.across_splits, found.exhaustive) == (0, 0, True)
    assert found.pairs.shape == (0, 3)


def test_pairs_beyond_the_limit_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    looks, splits = scattered(1, families=4, members=30)
    whole = find_near_duplicates(looks, splits)
    assert len(whole.pairs) > 50
    monkeypatch.setattr(near_duplicates, "MAX_PAIRS", 50)
    found = find_near_duplicates(looks, splits)
    assert len(found.pairs) == 50
    assert {tuple(pair) for pair in found.pairs.tolist()} < {tuple(pair) for pair in whole.pairs.tolist()}
    assert (whole.exhaustive, found.exhaustive) == (True, False)
    assert (found.within, found.across_splits) == (whole.within, whole.across_splits)


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1))
@example([0, 1, 2**63, 2**64 - 1])
def test_bits_are_counted_with_numpy_1_and_2(words: list[int]) -> None:
    array = np.array(words, np.uint64)
    for count in (add_up_bits, count_bits):
        assert count(array).dtype == np.uint8
        assert count(array).tolist() == [word.bit_count() for word in words]
