"""The encoding of a table: given, said by its first bytes, or UTF-8; and what is answered to what is none of them."""

import codecs
from pathlib import Path

import pytest

from fitfeed.converters.sources.table_text import TableFormat, check_format, open_text
from fitfeed.schemas.errors import NotFoundError, UsageError

TEXT = "path;Käse\r\n"


def read(folder: Path, content: bytes, encoding: str | None = None) -> str:
    (folder / "t.csv").write_bytes(content)
    with open_text(folder / "t.csv", encoding) as stream:
        return stream.read()


@pytest.mark.parametrize(
    ("content", "given"),
    [
        (TEXT.encode(), None),
        (TEXT.encode("utf-8-sig"), None),
        (TEXT.encode("utf-8-sig"), "UTF8"),
        (TEXT.encode("utf-16"), None),
        (TEXT.encode("utf-16"), "utf-16-le"),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), None),
        (TEXT.encode("utf-32"), None),
        (codecs.BOM_UTF32_BE + TEXT.encode("utf-32-be"), "utf-32"),
        (TEXT.encode("utf-16-le"), "utf-16-le"),
        (TEXT.encode("cp1252"), "cp1252"),
        (TEXT.encode("latin-1"), "Latin-1"),
    ],
)
def test_what_is_read(tmp_path: Path, content: bytes, given: str | None) -> None:
    assert read(tmp_path, content, given) == TEXT


@pytest.mark.parametrize(
    ("content", "given", "message"),
    [
        (
            TEXT.encode("cp1252"),
            None,
            r"is not UTF-8 \(.*byte 0xe4\)\. .*--table-encoding cp1252 if it is from Windows",
        ),
        (TEXT.encode("utf-16-le"), None, r"no byte order mark\. Give --table-encoding utf-16-le\.$"),
        (TEXT.encode("utf-16-be"), None, "Give --table-encoding utf-16-be"),
        (
            TEXT.encode("utf-16"),
            "cp1252",
            r"mark of UTF-16, so it is not cp1252\. Leave --table-encoding out",
        ),
        (TEXT.encode("utf-8-sig"), "utf-16", "mark of UTF-8, so it is not utf-16"),
        (TEXT.encode("cp1252"), "ascii", r"is not ascii \(.*\)\. Give another --table-encoding"),
        (b"a" * 99, "utf-16", "is not utf-16"),
        (b"a\xff", "undefined", "is not undefined"),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, content: bytes, given: str | None, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read(tmp_path, content, given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (TableFormat(encoding="utf-9"), "--table-encoding utf-9: there is no such encoding"),
        (TableFormat(encoding="hex"), "there is no such encoding"),
        (TableFormat(encoding="utf\0"), "there is no such encoding"),
        (TableFormat(separator=""), "must be one character"),
        (TableFormat(separator="::"), "must be one character"),
        (TableFormat(separator='"'), "must be one character"),
        (TableFormat(separator="\n"), "must be one character"),
    ],
)
def test_what_may_not_be_given(given: TableFormat, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_format(given)


def test_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(UsageError, match="cannot be read"), open_text(tmp_path / "folder.csv", None):
        pass
    with pytest.raises(NotFoundError, match="does not exist"), open_text(tmp_path / "none.csv", None):
        pass
