"""Categories are a sequence like a list of the same names."""

from hypothesis import given
from hypothesis import strategies as st

from fitfeed.schemas.categories import Categories

VALUES = st.lists(st.none() | st.sampled_from(["train", "test", "a", ""]), max_size=20)


@given(VALUES, st.data())
def test_it_is_like_a_list(values: list[str | None], data: st.DataObject) -> None:
    packed = Categories.of(iter(values))
    assert list(packed) == values
    assert packed == values
    assert packed != [*values, None]
    assert len(packed) == len(values)
    assert packed.numbers.itemsize == 1
    assert [packed[place] for place in range(len(values))] == values
    chosen = data.draw(st.slices(len(values)))
    assert packed[chosen] == values[chosen]
    if values:
        places = data.draw(st.lists(st.integers(0, len(values) - 1), max_size=9))
        assert packed.take(places) == [values[place] for place in places]


@given(VALUES)
def test_names_that_become_the_same_become_one(values: list[str | None]) -> None:
    packed = Categories.of(values)
    renamed = packed.renamed([name or "train" for name in packed.names])
    assert renamed == [value or "train" for value in values]
    assert len(set(renamed.names)) == len(renamed.names)


def test_many_names_have_larger_numbers() -> None:
    names = [f"{number}" for number in range(300)]
    packed = Categories.of(names)
    assert (packed.numbers.itemsize, list(packed)) == (2, names)
