"""Packed texts are a sequence like a list of the same texts, whatever characters they have."""

import gzip
import itertools
import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.schemas import packed_texts
from fitfeed.schemas.packed_texts import PackedTexts, TextsAt

ANY = st.text(st.characters(codec=None) | st.sampled_from("/a\udcff\U0001f600"), max_size=4)
TEXTS = st.lists(ANY, max_size=20)


@given(TEXTS, st.data(), st.integers(1, 5))
def test_it_is_like_a_list(texts: list[str], data: st.DataObject, at_once: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packed_texts, "AT_ONCE", at_once)
        packed = PackedTexts.of(iter(texts))
        assert list(packed) == texts
        assert [some.to_list() for some in packed.blocks()] == [
            texts[begin : begin + at_once] for begin in range(0, len(texts), at_once)
        ]
    assert len(packed) == len(texts)
    assert packed == texts
    assert packed != [*texts, ""]
    assert packed.to_list() == texts
    assert packed.joined_text() == "".join(texts)
    assert packed.after("é\udcff/") == [f"é\udcff/{text}" for text in texts]
    assert [packed[place] for place in range(-len(texts), len(texts))] == texts * 2
    chosen = data.draw(st.slices(len(texts)))
    assert packed[chosen] == texts[chosen]
    if texts:
        places = data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=9))
        assert packed[chosen][:0].take([]) == []
        taken = [texts[place] for place in places]
        assert packed.take(places) == taken
        at = TextsAt(packed, np.array(places, np.int64))
        assert [at[number] for number in range(len(at))] == taken
        assert at[1:3] == taken[1:3]
    with pytest.raises(IndexError):
        packed[len(texts)]


@given(st.lists(TEXTS, max_size=5), st.data())
def test_parts_are_joined(parts: list[list[str]], data: st.DataObject) -> None:
    packed = []
    for texts in parts:  # parts of others, too
        before = data.draw(TEXTS)
        packed.append(PackedTexts.of([*before, *texts, *before])[len(before) : len(before) + len(texts)])
    assert PackedTexts.joined(packed) == [text for texts in parts for text in texts]
    assert packed == []


@given(st.lists(st.text(max_size=3), max_size=20))
def test_checksums_are_those_of_gzip(texts: list[str]) -> None:
    expected = [int.from_bytes(gzip.compress(text.encode())[-8:-7]) for text in texts]
    assert PackedTexts.of(texts).checksums.tolist() == expected


@given(TEXTS)
def test_the_order_is_that_of_texts(texts: list[str]) -> None:
    order = PackedTexts.of(texts).order()
    assert (order is None) == (texts == sorted(texts))
    if order is not None:
        assert [texts[place] for place in order] == sorted(texts)


@given(TEXTS)
def test_the_first_that_occurs_twice(texts: list[str]) -> None:
    ordered = sorted(texts)
    twice = [text for text, following in itertools.pairwise(ordered) if text == following]
    assert PackedTexts.of(ordered).first_twice() == next(iter(twice), None)


def test_text_is_an_arrow_array_without_a_copy() -> None:
    packed = PackedTexts.of(["a", "é", ""])
    assert packed.is_text
    assert packed.arrow.equals(pa.array(["a", "é", ""], pa.large_string()))
    assert packed.arrow.buffers()[2].address == packed.data.ctypes.data
    assert PackedTexts.of_arrow(packed.arrow[1:]) == ["é", ""]
    assert not PackedTexts.of(["a", "\udcff"]).is_text


@given(TEXTS, st.text("a\U0001f600\udcff", max_size=2))
def test_names_after_a_prefix(texts: list[str], prefix: str) -> None:
    assert PackedTexts.of_names(prefix, texts) == [prefix + text for text in texts]


@given(TEXTS)
def test_what_is_known_of_all_is_known_of_parts(texts: list[str]) -> None:
    packed = PackedTexts.of(texts)
    known = packed.is_plain, packed.is_text, packed.in_order
    assert known[0] == all(json.dumps(text) == f'"{text}"' and "\x7f" not in text for text in texts)
    assert known[2] == (texts == sorted(texts))
    for part in (packed[1:], packed[::2], packed.take(range(len(texts))[::-1])):
        fresh = PackedTexts.of(list(part))
        assert part.is_plain == fresh.is_plain
        assert part.is_text == fresh.is_text
        assert part.in_order == fresh.in_order
    assert packed.to_bytes() == [text.encode("utf-8", "surrogatepass") for text in texts]


def test_what_it_is_not_equal_to() -> None:
    assert PackedTexts.of(["a"]) != "a"
    assert PackedTexts.of(["a"]) != 1
    assert repr(PackedTexts.of(["a"])) == "PackedTexts.of(['a'])"
