"""Sizes, shares and limits as `fitfeed convert` reads them."""

import argparse
from typing import Any

import pytest

from fitfeed.commands.option_values import (
    parse_bytes,
    parse_count,
    parse_max_bad,
    parse_separator,
    parse_size,
    parse_split,
    parse_white,
)


@pytest.mark.parametrize(("text", "size"), [("256", (256, 256)), ("200x300", (200, 300)), ("007", (7, 7))])
def test_sizes(text: str, size: tuple[int, int]) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "size"),
    [("5", 5), ("128MiB", 128 << 20), ("1.5 GB", 1_500_000_000), ("64kb", 64_000), ("1GiB", 1 << 30)],
)
def test_bytes(text: str, size: int) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("200M", 200_000_000),
        ("2e8", 200_000_000),
        ("2E+8", 200_000_000),
        ("1.5G", 1_500_000_000),
        ("144000000", 144_000_000),
        ("0.5k", 500),
        ("1.25e2", 125),
        (" 7 ", 7),
    ],
)
def test_counts(text: str, count: int) -> None:
    assert parse_count(text) == count


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("10", 10), ("5%", 0.05), ("100%", 1.0)])
def test_max_bad(text: str, value: float) -> None:
    assert parse_max_bad(text) == value
    assert type(parse_max_bad(text)) is type(value)


def test_split() -> None:
    assert parse_split("train=0.9, test=0.1") == {"train": 0.9, "test": 0.1}


@pytest.mark.parametrize(
    "parse_text",
    [
        (parse_size, "0x5"),
        (parse_size, "-1"),
        (parse_bytes, "0"),
        (parse_bytes, "5XB"),
        (parse_bytes, "1GB, or so"),
        (parse_bytes, "1.2.3"),
        (parse_bytes, "8kbit"),
        (parse_bytes, "-5"),
        (parse_bytes, ""),
        (parse_bytes, "0.5B"),
        *(
            (parse_count, text)
            for text in ("0", "-1", "1.5", "2e-8", "M", "", "nan", "1e999", "200 MB", "0.1e0")
        ),
        (parse_max_bad, "101%"),
        *((parse_white, text) for text in ("measured", "12bit", "", "4095.0")),
        (parse_split, "a=1,a=2"),
    ],
)
def test_unparsable(parse_text: tuple[Any, str]) -> None:
    parse, text = parse_text
    with pytest.raises(argparse.ArgumentTypeError, match="Received"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "separator"),
    [("tab", "\t"), ("\\t", "\t"), ("space", " "), ("Tab", "\t"), ("|", "|"), (" ", " ")],
)
def test_separators_that_are_hard_to_type_have_names(text: str, separator: str) -> None:
    assert parse_separator(text) == separator


def test_who_asks_for_a_measured_white_learns_where_it_is_said() -> None:
    with pytest.raises(
        argparse.ArgumentTypeError, match=r"summary of a conversion without --white says which"
    ):
        parse_white("measured")
    assert parse_white("4095") == 4095
