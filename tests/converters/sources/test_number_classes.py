"""Classes that get other numbers, one or several for an image."""

from array import array

import pytest

from fitfeed.converters.sources.number_classes import renumber_classes


@pytest.mark.parametrize("values", [[2, 0, 0], array("h", [2, 0, 0]), array("i", [2, 0, 0])])
def test_one_class_gets_its_new_number(values: list[int]) -> None:
    assert list(renumber_classes(values, [70_000, 5, -1])) == [-1, 70_000, 70_000]
    assert list(renumber_classes(values[:0], [1])) == []


def test_several_classes_are_in_order_and_without_those_that_are_taken_out() -> None:
    assert renumber_classes([[0, 1], [2], []], [3, 1, -1]) == [[1, 3], [], []]
