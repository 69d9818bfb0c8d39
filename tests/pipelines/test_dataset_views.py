"""A dataset's views call what `fitfeed` registers, with the arguments by name; `tests/fitfeed` tests what they show."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from fitfeed.pipelines import Dataset
from fitfeed.schemas.views import VIEWS

CALLS: list[tuple[tuple[Any, ...], dict[str, Any]]] = []


def seen(*positional: Any, **named: Any) -> Any:
    """Stands in for a view."""
    CALLS.append((positional[1:], named))
    return positional[0]


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    CALLS.clear()
    for name in VIEWS:
        monkeypatch.setitem(VIEWS, name, f"{__name__}:seen")
    module: Any = SimpleNamespace(seen=seen)
    monkeypatch.setitem(sys.modules, __name__, module)  # pytest imports test files under names of its own


@pytest.mark.parametrize(
    ("method", "arguments", "options", "expected"),
    [
        ("report", ("page.html",), {"source": "photos"}, (("page.html", "photos"), {})),
        ("to_huggingface", ("train",), {}, (("train",), {})),
        ("to_huggingface", (["train", "validation"],), {}, ((["train", "validation"],), {})),
        ("_repr_html_", (), {}, ((), {})),
        (
            "export_croissant",
            ("there",),
            {"license": "CC0-1.0"},
            (("there",), {"name": None, "description": None, "license": "CC0-1.0", "url": None}),
        ),
    ],
)
def test_views_get_what_was_given(
    flowers: Dataset, method: str, arguments: Any, options: Any, expected: Any
) -> None:
    assert getattr(flowers, method)(*arguments, **options) is flowers
    assert [expected] == CALLS


def test_the_side_of_a_picture_is_called_tile(flowers: Dataset) -> None:
    flowers.preview("train", count=3, tile=50)
    ((positional, named),) = CALLS
    assert (positional, named["split"], named["count"], named["side"]) == ((), "train", 3, 50)


def test_every_view_is_registered() -> None:
    assert VIEWS.keys() == {"dataset_html", "preview", "report", "to_huggingface", "export_croissant"}
