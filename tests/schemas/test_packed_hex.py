"""Packed digits are a sequence like a list of the same texts; other texts are not packed so."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.schemas.packed_hex import HexSpace, PackedHex

TEXTS = st.lists(st.binary(min_size=16, max_size=16).map(bytes.hex), min_size=1, max_size=20)


def packed_of(texts: list[str]) -> PackedHex:
    packed = PackedHex.of(texts)
    assert packed is not None
    return packed


@given(TEXTS, st.data())
def test_it_is_like_a_list(texts: list[str], data: st.DataObject) -> None:
    packed = packed_of(texts)
    assert packed == texts
    assert len(packed) == len(texts)
    assert packed.to_list() == texts
    assert packed.texts == texts
    assert packed.texts.is_plain
    assert [packed[place] for place in range(-len(texts), len(texts))] == texts * 2
    assert packed.size == 32 * len(texts)
    assert packed.lengths.tolist() == [32] * len(texts)
    chosen = data.draw(st.slices(len(texts)))
    assert packed[chosen] == texts[chosen]
    places = data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=9))
    assert packed.take(places) == [texts[place] for place in places]
    assert PackedHex.of_arrow(packed.arrow[1:]) == texts[1:]
    assert packed.arrow.to_pylist() == [bytes.fromhex(text) for text in texts]


@given(st.lists(TEXTS, max_size=4))
def test_parts_are_put_together_from_the_end(parts: list[list[str]]) -> None:
    space = HexSpace(sum(map(len, parts)))
    for part in reversed(parts):
        space.put_before(packed_of(part))
    assert space.texts == [text for part in parts for text in part]


def test_a_text_takes_sixteen_bytes() -> None:
    texts = [hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest() for number in range(100)]
    assert packed_of(texts).data.nbytes == 1600
    assert packed_of(texts).data.dtype == np.uint8


@pytest.mark.parametrize(
    "texts",
    [
        [],
        [""],
        ["a" * 31],
        ["a" * 31, "a" * 33],
        ["A" * 32],
        ["g" * 32],
        [" " + "a" * 31],
        ["aa " * 10 + "aa"],
        ["é" * 32],
        ["٣" * 32],
        ["a" * 32, "0123456789abcdef0123456789abcdef-12"],
    ],
)
def test_other_texts_are_not_packed(texts: list[str]) -> None:
    assert PackedHex.of(texts) is None
