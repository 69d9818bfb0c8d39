"""Foreign text in messages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.schemas.text import first_line, printable, short_repr, shortened


@given(st.text())
def test_shortened_is_one_short_printable_line(text: str) -> None:
    short = shortened(text, limit=20)
    assert len(short) <= 20
    assert short.isprintable()
    assert short == text or not text.isprintable() or len(text) > 20


@given(st.text())
def test_printable_keeps_what_can_be_printed(text: str) -> None:
    assert printable(text).isprintable()
    assert printable(text) == text or not text.isprintable()
    assert printable(text, keep="\n").count("\n") == text.count("\n")


@given(st.text(max_size=100) | st.lists(st.integers(), max_size=50))
def test_a_short_repr_is_the_whole_or_its_beginning(value: object) -> None:
    short = short_repr(value)
    assert short == repr(value) or (len(short) == 80 and repr(value).startswith(short.removesuffix("...")))


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (KeyError("no such object"), "no such object"),
        (ValueError("first\nsecond"), "first"),
        (OSError(2, "No such file or directory"), "[Errno 2] No such file or directory"),
        (KeyError(), "KeyError"),
        (RuntimeError(""), "RuntimeError"),
    ],
)
def test_first_line(error: Exception, line: str) -> None:
    assert first_line(error) == line
