"""Foreign text in messages."""

import os
import unicodedata

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


@given(st.text(st.characters() | st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp"])))
def test_printable_keeps_what_can_be_printed(text: str) -> None:
    line = printable(text)
    assert not any(unicodedata.category(c).startswith("C") for c in line)
    assert len(f"{line}.".splitlines()) == 1
    line.encode()  # no lone surrogate
    assert line == text or not text.isprintable()
    assert printable(line) == line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Blüte 花 \\ é", "Blüte 花 \\ é"),
        ("a\x1b]0;owned\a", "a\\x1b]0;owned\\x07"),  # sets a window's title
        ("\x9b31m\x7f", "\\x9b31m\\x7f"),  # the same as ESC [
        ("x\nflowers is whole\r", "x\\nflowers is whole\\r"),
        ("\u2028\u2029\x85\v\f", "\\u2028\\u2029\\x85\\x0b\\x0c"),
        ("gpj.\u202e\u2066\u200f\u061cexe", "gpj.\\u202e\\u2066\\u200f\\u061cexe"),
        ("zero\u200bwidth\ufeff\U000e0041", "zero\\u200bwidth\\ufeff\\U000e0041"),
        (os.fsdecode(b"\xff.jpg"), "\\udcff.jpg"),  # a file name that is not UTF-8
    ],
)
def test_what_is_escaped(text: str, line: str) -> None:
    assert printable(text) == line


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
