"""Reading tables: CSV against the csv module's own writer, JSON lines, and what is no table."""

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fitfeed.converters.sources.table import Row, Table, is_table
from fitfeed.converters.sources.table_text import TableFormat
from fitfeed.schemas.errors import NotFoundError, UsageError


def table(folder: Path, content: str | bytes, name: str = "labels.csv") -> Table:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return Table(folder / name)


def test_quotes_newlines_bom_and_crlf(tmp_path: Path) -> None:
    text = '\ufeffpath,note,label\r\na.jpg,"two\r\nlines, ""quoted""",rose\r\n\r\nb.jpg,,"tulip"\r\n'
    found = table(tmp_path, text)
    assert found.columns == ["path", "note", "label"]
    assert list(found.rows(["label", "note", "path"])) == [
        Row(2, ["rose", 'two\r\nlines, "quoted"', "a.jpg"], None),
        Row(5, ["tulip", "", "b.jpg"], None),
    ]


FIELDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=8)


def test_spaces_around_column_names_and_long_texts(tmp_path: Path) -> None:
    found = table(tmp_path, 'path , note\na.jpg,"' + "x" * 1_000_000 + '"\n')
    assert found.columns == ["path", "note"]
    assert len(next(found.rows(["note"])).values[0]) == 1_000_000


WAYS = [
    *(
        (mark, encoding)
        for mark in ",;\t|"
        for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32", "BOM-BE")
    ),
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(
    st.lists(st.tuples(FIELDS, FIELDS), max_size=6),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(WAYS),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["t.csv", "t.tsv", "t.txt"]),
    st.booleans(),
)
def test_whatever_the_csv_module_writes_is_read(
    tmp_path: Path,
    rows: list[tuple[str, str]],
    line: str,
    way: tuple[str, str],
    quoting: int,
    name: str,
    told: bool,
) -> None:
    separator, encoding = way
    quoting = (
        csv.QUOTE_ALL if line == "\r" else quoting
    )  # the csv module leaves other line ends unquoted then
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=line, quoting=quoting, delimiter=separator)  # type: ignore[arg-type]
    writer.writerows([("path", "label"), *rows])
    content = "\ufeff" + text.getvalue() if encoding == "BOM-BE" else text.getvalue()
    (tmp_path / name).write_bytes(content.encode("utf-16-be" if encoding == "BOM-BE" else encoding))
    known = {"BOM-BE": "utf-16-be"}.get(encoding, encoding)
    given_ = TableFormat(known, separator) if told else TableFormat()
    assert [tuple(row.values) for row in Table(tmp_path / name, given_).rows(["path", "label"])] == rows


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    st.lists(st.text("äßéÑab ;|,", max_size=6), max_size=5),
    st.sampled_from(["latin-1", "cp1252", "utf-16-le", "utf-16-be", "mac_roman", "utf-8", "cp850"]),
    st.sampled_from([",", ";", "\t", "|"]),
)
def test_encodings_that_are_given(tmp_path: Path, labels: list[str], encoding: str, separator: str) -> None:
    with (tmp_path / "t.csv").open("w", encoding=encoding, newline="") as stream:
        csv.writer(stream, delimiter=separator).writerows(
            [("path", "label"), *(("a", label) for label in labels)]
        )
    rows = Table(tmp_path / "t.csv", TableFormat(encoding)).rows(["label"])
    assert [row.values[0] for row in rows] == labels


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "latin-1"])
def test_json_lines_in_other_encodings(tmp_path: Path, encoding: str) -> None:
    lines = '{"path": "ä.jpg", "label": "Käse"}\r\n{"path": "b.jpg"}\n'
    (tmp_path / "t.jsonl").write_bytes(lines.encode(encoding))
    found = Table(tmp_path / "t.jsonl", TableFormat("latin-1" if encoding == "latin-1" else None))
    assert [row.values for row in found.rows(["path", "label"])] == [["ä.jpg", "Käse"], ["b.jpg", None]]
    with pytest.raises(UsageError, match=r"JSON lines\. Leave it out"):
        Table(tmp_path / "t.jsonl", TableFormat(separator=";"))


def test_columns_in_any_case(tmp_path: Path) -> None:
    found = table(tmp_path, "Path,LABEL,label,Split\n")
    assert (found.column("split", "--x"), found.column("label", "--x")) == ("Split", "label")
    assert (found.has("SPLIT"), found.has("x")) == (True, False)
    with pytest.raises(UsageError, match="LABEL and label differ only in case, among: Path, LABEL"):
        found.column("Label", "--x")


@pytest.mark.parametrize(
    ("header", "hint"),
    [
        ("cat/1.jpg,cat\n", "Its first row names an image, and must have the names of the columns"),
        ("# mine\npath,label\n", "Its first line begins with '#'"),
        ("name tag\na.jpg b\n", "If spaces separate its columns, give --table-separator space"),
    ],
)
def test_why_no_column_names_the_images(tmp_path: Path, header: str, hint: str) -> None:
    with pytest.raises(UsageError, match=hint):
        table(tmp_path, header).path_column()


def test_json_lines(tmp_path: Path) -> None:
    lines = [
        '{"file": "a.jpg", "tags": ["x"], "n": NaN}',
        "",
        '{"file": "b.jpg", "more": 1}',
        "[1]",
        "{",
        "1" * 9999,
    ]
    found = table(tmp_path, "\n".join(lines), "t.jsonl")
    assert found.columns == ["file", "tags", "n", "more"]
    rows = list(found.rows(["file", "tags", "more"]))
    assert rows[:2] == [Row(1, ["a.jpg", ["x"], None], None), Row(3, ["b.jpg", None, 1], None)]
    assert [(row.line, row.fault) for row in rows[2:]] == [
        (n, "the line is not a JSON object") for n in (4, 5, 6)
    ]


def test_rows_of_another_width_are_faults_of_their_own(tmp_path: Path) -> None:
    rows = list(table(tmp_path, "path,label\na.jpg\nb.jpg,rose,more\nc.jpg,tulip\n").rows(["path", "label"]))
    assert [row.fault for row in rows] == [
        "the row has 1 fields, and there are 2 columns",
        "the row has 3 fields, and there are 2 columns",
        None,
    ]
    assert rows[0].values == ["a.jpg", None]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        (b"path,label\n\xff.jpg,rose\n", "not UTF-8"),
        ('path,label\na.jpg,"rose\n', "a quote"),
        ("path,label\na.jpg," + '"' + "x" * 2_200_000 + '"\n', "field larger"),
    ],
)
def test_what_is_no_table(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        list(table(tmp_path, content).rows(["path"]))


def test_files_that_are_no_tables(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"must be a \.csv, \.tsv, \.txt or \.jsonl file"):
        table(tmp_path, "path\n", "labels.xlsx")
    with pytest.raises(NotFoundError, match="does not exist"):
        Table(tmp_path / "none.csv")
    (tmp_path / "folder.csv").mkdir()
    assert not is_table(tmp_path / "folder.csv")
    assert is_table(tmp_path / "LABELS.CSV")
    assert is_table(tmp_path / "labels.tsv")


@pytest.mark.parametrize("name", ["path", "File", "filename", "IMAGE", "image_path"])
def test_the_path_column_is_found_by_its_name(tmp_path: Path, name: str) -> None:
    assert table(tmp_path, f"id,{name}\n").path_column() == name


def test_columns_that_are_not_there_or_not_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no column is called path, file or image.*id, label"):
        table(tmp_path, "id,label\n").path_column()
    with pytest.raises(UsageError, match="columns file, image could each"):
        table(tmp_path, "file,image\n").path_column()
    with pytest.raises(
        UsageError, match=r"--group sender: labels\.csv must have one such column, but it has: a, b"
    ):
        table(tmp_path, "a,b\n").column("sender", "--group")
    with pytest.raises(UsageError, match="2 of them have that name"):
        table(tmp_path, "a,a\n").column("a", "--group")


def test_a_row_costs_no_more_than_its_values(tmp_path: Path) -> None:
    with (tmp_path / "long.jsonl").open("w") as stream:
        stream.writelines(json.dumps({"path": f"{n}.jpg", "label": "a"}) + "\n" for n in range(2000))
    rows = Table(tmp_path / "long.jsonl").rows(["path"])
    assert next(rows) == Row(1, ["0.jpg"], None)  # read as it goes, not as a whole
    assert sum(1 for _ in rows) == 1999
