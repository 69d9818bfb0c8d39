"""Orders of class names: found, applied, and checked."""

import pytest

from fitfeed.schemas.class_order import ClassOrder, follows, natural_order, sort_classes


def test_whole_numbers_are_sorted_as_numbers() -> None:
    for names, order, first in (
        ({"10", "2", "0"}, "number", "0"),
        ({"10", "2", "01"}, "text", "01"),
        ({"10", "2", "a", "9" * 5000}, "text", "10"),
    ):
        assert natural_order(names) == order
        assert sort_classes(names, natural_order(names))[0] == first
    assert sort_classes({"10", "2", "0"}, "number") == ["0", "2", "10"]
    assert sort_classes({"10", "2", "0"}, "text") == ["0", "10", "2"]


@pytest.mark.parametrize(
    ("names", "orders"),
    [
        (["0", "1"], {"number", "text", "given"}),
        (["2", "10"], {"number", "given"}),
        (["10", "2"], {"text", "given"}),
        (["a", "b"], {"text", "given"}),
        (["b", "a"], {"given"}),
        (["01", "2"], {"text", "given"}),
    ],
)
def test_names_are_in_an_order_or_not(names: list[str], orders: set[ClassOrder]) -> None:
    every: tuple[ClassOrder, ...] = ("number", "text", "given")
    assert {order for order in every if follows(names, order)} == orders
