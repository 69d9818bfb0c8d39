"""Rejects as text."""

import json
import os

import pytest

from fitfeed.converters.rejects import (
    MAX_DETAIL,
    ImageError,
    Reject,
    count_reasons,
    text_path,
    to_json_lines,
)

REJECTS = [
    Reject("b/2.jpg", "truncated", "ends early"),
    Reject("a/ü.txt", "not_an_image", "no known image format", handling="ignored"),
    Reject("b/1.jpg", "truncated", "ends early"),
]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (b"hat/1.jpg", "hat/1.jpg"),
        ("hat/ü 図.jpg".encode(), "hat/ü 図.jpg"),
        (b"hat\\1.jpg", "hat\\1.jpg"),
        (b"hat/\xff.jpg", "hat/\\xff.jpg"),
        (b"hat\\\xff.jpg", "hat\\\\\\xff.jpg"),  # else it could be the name of another file
    ],
)
def test_any_name_becomes_text(name: bytes, text: str) -> None:
    assert text_path(os.fsdecode(name)) == text


def test_reasons_are_counted_in_their_order() -> None:
    assert list(count_reasons(REJECTS).items()) == [("not_an_image", 1), ("truncated", 2)]


def test_lines_are_sorted_by_path() -> None:
    lines = [json.loads(line) for line in to_json_lines(REJECTS).splitlines()]
    assert [line["path"] for line in lines] == ["a/ü.txt", "b/1.jpg", "b/2.jpg"]
    assert lines[0] == {
        "path": "a/ü.txt",
        "reason": "not_an_image",
        "detail": "no known image format",
        "handling": "ignored",
    }
    assert to_json_lines(REJECTS).isascii()
    assert to_json_lines([]) == ""


def test_details_are_one_short_line_and_the_same_in_every_run() -> None:
    error = ImageError("corrupt", "cannot read <_io.BytesIO object at 0x7f00aa>\n  twice")
    assert (error.reason, error.detail, str(error)) == ("corrupt", "cannot read twice", "cannot read twice")
    long = ImageError("corrupt", "x" * 1000).detail
    assert long.startswith("x" * (MAX_DETAIL - 3))
    assert len(long) <= MAX_DETAIL + 3
