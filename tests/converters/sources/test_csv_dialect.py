"""What separates columns: found by names and first rows, given, said by the first line, or refused as unclear."""

import io

import pytest

from fitfeed.converters.sources.csv_dialect import SAMPLE_CHARACTERS, CsvDialect, find_dialect, numbered_rows
from fitfeed.schemas.errors import UsageError


def found(text: str, name: str = "t.csv", given: str | None = None) -> CsvDialect:
    return find_dialect(io.StringIO(text, newline=""), name, given)


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("path,label\na.jpg,x\n", ","),
        ("path;label\na.jpg;x\n", ";"),
        ("path\tlabel\n", "\t"),
        ("path|label\n", "|"),
        ("path\na.jpg\n", ","),
        ("", ","),
        ("path,label\na.jpg,x;y\nb.jpg,z;w\n", ","),
        ("path;note\na.jpg;1,5\nb.jpg;2,5\n", ";"),
        ("path;label, fine\na.jpg;x\nb.jpg;y\n", ";"),
        ('path;"label, fine"\na.jpg;"x,y"\n', ";"),
        ("path,a;b\na.jpg,1\nb.jpg,2\n", ","),
        ("path,label\na.jpg\nb.jpg,x,y\n", ","),
        ('path,label\na.jpg,"never closed\n', ","),
        ("path label\na.jpg x\n", ","),
        ("path;label\n" + "a.jpg;x\n" * SAMPLE_CHARACTERS, ";"),
        ("path;label\n" + f"a.jpg;{'x, ' * SAMPLE_CHARACTERS}\n", ";"),
    ],
)
def test_what_is_found(text: str, separator: str) -> None:
    assert found(text) == CsvDialect(separator)


@pytest.mark.parametrize("text", ["path;label, fine\n", "a;b,c\n1;2,3\n", "a,b\tc\n1,2\t3\n"])
def test_what_is_unclear(text: str) -> None:
    with pytest.raises(
        UsageError, match=r"unclear what separates.*Give --table-separator '.*' or --table-separator"
    ):
        found(text)
    assert found(text, given=",") == CsvDialect(",")


def test_a_tab_comes_first_where_the_name_says_so() -> None:
    assert found("a,b\tc\n1,2\t3\n", "T.TSV") == CsvDialect("\t")
    assert found("a,b\n1,2\n", "t.tsv") == CsvDialect(",")


def test_the_line_that_excel_reads() -> None:
    text = "sep=;\r\npath;label\r\n\r\na.jpg;x,y\r\n"
    assert found(text) == CsvDialect(";", first_line=2)
    assert list(numbered_rows(io.StringIO(text, newline=""), found(text))) == [
        (2, ["path", "label"]),
        (4, ["a.jpg", "x,y"]),
    ]


def test_spaces_align_columns() -> None:
    text = "path   label\na.jpg  x\nb.jpg y\n"
    rows = numbered_rows(io.StringIO(text, newline=""), found(text, "t.txt", " "))
    assert [fields for _, fields in rows] == [["path", "label"], ["a.jpg", "x"], ["b.jpg", "y"]]
