"""Which examples are copies, where some were in the dataset before: against definitions written out."""

from collections import Counter
from typing import NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.converters.duplicates.find_duplicates import ExampleColumns, find_later_copies, find_pairs


class Example(NamedTuple):
    existing: bool
    split: int
    label: int
    picture: int


EXAMPLES = st.lists(
    st.builds(Example, st.booleans(), st.integers(0, 2), st.integers(0, 1), st.integers(0, 4)), max_size=25
)


def catalogue(examples: list[Example]) -> ExampleColumns:
    """Paths are the places in the list, in an order that has nothing to do with the list's."""
    count = len(examples)
    digest = np.zeros((count, 2), np.uint64)
    digest[:, 0] = [example.picture for example in examples]
    return ExampleColumns(
        existing=np.array([example.existing for example in examples], np.bool_),
        shard=np.zeros(count, np.int64),
        row=np.arange(count),
        split=np.array([example.split for example in examples], np.int64),
        digest=digest,
        look=digest,
        path=path,
        labels=lambda example: [examples[example].label],
    )


def path(number: int) -> str:
    return f"{number * 7 % 31:02d}"


@given(EXAMPLES)
def test_copies_as_they_are_defined(examples: list[Example]) -> None:
    expected = set()
    for number, example in enumerate(examples):
        if example.existing:
            continue
        alike = [other for other in range(len(examples)) if examples[other].picture == example.picture]
        alike.sort(key=lambda other: (not examples[other].existing, examples[other].split, path(other)))
        first = next(other for other in alike if examples[other].split == example.split)
        if first != number:
            same = examples[first].label == example.label
            expected.add((number, first, "duplicate" if same else "label_conflict"))
        if examples[alike[0]].split != example.split:
            expected.add((number, alike[0], "split_leak"))
    found = find_pairs(catalogue(examples))
    assert {(copy.example, copy.of, copy.kind) for copy in found} == expected
    assert len(found) == len(expected)


@given(EXAMPLES)
def test_one_of_all_copies_stays(examples: list[Example]) -> None:
    found = find_later_copies(catalogue(examples))
    dropped = {copy.example for copy in found}
    assert len(dropped) == len(found)
    stay = [number for number in range(len(examples)) if number not in dropped]
    for picture in {example.picture for example in examples}:
        alike = [number for number in range(len(examples)) if examples[number].picture == picture]
        kept = [number for number in stay if number in alike]
        existing = [number for number in alike if examples[number].existing]
        first = min(existing or alike, key=path)
        assert kept == existing or kept == [first]
        for copy in found:
            if copy.example in alike:
                same = examples[copy.example].label == examples[first].label
                assert (copy.of, copy.kind) == (first, "duplicate" if same else "label_conflict")


@given(EXAMPLES)
def test_counts_of_the_parts_add_up_to_those_of_the_whole(examples: list[Example]) -> None:
    """If all that joins has later paths than all that was there, appending counts what one conversion does."""
    examples = sorted(examples, key=lambda example: not example.existing)

    def counts(chosen: list[Example]) -> Counter[str]:
        part = catalogue(chosen)
        ordered = ExampleColumns(**{**vars(part), "path": lambda number: f"{number:03d}"})
        return Counter(copy.kind for copy in find_pairs(ordered) if copy.kind != "split_leak")

    at_once = [example._replace(existing=False) for example in examples]
    before = at_once[: sum(example.existing for example in examples)]
    assert counts(before) + counts(examples) == counts(at_once)
