"""The glossary names things that are where it says."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GLOSSARY = ROOT / "docs" / "glossary.md"
ROW = re.compile(r"^\| \*\*(?P<term>[^*]+)\*\* \| (?P<meaning>[^|]+) \| (?P<code>[^|]+) \| [^|]*\|$")
IN_THE_CODE = re.compile(r"(?:(?P<names>`\w+`(?:, `\w+`)*) in )?`(?P<path>[\w/]+(?:/|\.py))`")

ROWS = [ROW.match(line) for line in GLOSSARY.read_text().splitlines() if line.startswith("| **")]


def test_every_row_has_its_four_columns() -> None:
    assert len(ROWS) >= 40
    assert None not in ROWS


@pytest.mark.parametrize("row", ROWS, ids=[row["term"] if row else "?" for row in ROWS])
def test_terms_are_where_the_glossary_says(row: re.Match[str]) -> None:
    assert IN_THE_CODE.sub("", row["code"]).replace(", ", "") == ""
    for place in IN_THE_CODE.finditer(row["code"]):
        path = ROOT / place["path"]
        assert path.exists(), path
        for name in re.findall(r"\w+", place["names"] or ""):
            assert re.search(rf"\b{name}\b", path.read_text()), f"{name} is not in {path}"
