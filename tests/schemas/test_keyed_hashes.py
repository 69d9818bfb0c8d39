"""The compiled hashes are those of `hashlib`, and splits and orders do not depend on which of both made them."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.schemas import sharding
from fitfeed.schemas.keyed_hashes import keyed_hashes
from fitfeed.schemas.packed_texts import PackedTexts
from fitfeed.schemas.sharding import salted_order, splits_of

pytestmark = pytest.mark.slow  # compiling the loop takes seconds

LENGTHS = st.integers(0, 5) | st.sampled_from([63, 64, 126, 127, 128, 129, 255, 256, 257, 1000])
TEXTS = st.lists(st.builds(lambda text, length: (text * length)[:length], st.text(min_size=1), LENGTHS))


@given(TEXTS, st.binary(min_size=1, max_size=64))
def test_hashes_are_those_of_hashlib(texts: list[str], key: bytes) -> None:
    expected = [hashlib.blake2b(text.encode(), digest_size=8, key=key).digest() for text in texts]
    assert keyed_hashes(texts, key).astype(">u8").tobytes() == b"".join(expected)
    after = PackedTexts.of(["before", *texts])[1:]
    assert keyed_hashes(after, key).astype(">u8").tobytes() == b"".join(expected)


@given(st.lists(st.text(), unique=True, min_size=1), st.integers())
def test_many_keys_have_the_splits_and_the_order_of_few(keys: list[str], seed: int) -> None:
    fractions = {"train": 0.5, "test": 0.5}
    expected = splits_of(keys, fractions, seed=seed), salted_order(keys, seed=seed).tolist()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sharding, "MIN_COMPILED", 1)
        patch.setattr(sharding, "KEYS_AT_ONCE", 7)
        assert (splits_of(keys, fractions, seed=seed), salted_order(keys, seed=seed).tolist()) == expected
