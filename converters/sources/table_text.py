"""Opens the text of a table: in the encoding that is given, or that its first bytes say, or else in UTF-8."""

import codecs
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, TextIO

from fitfeed.converters.open_source import unreadable_is_a_mistake
from fitfeed.converters.user_file import open_user_file
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.storage.open_place import GivenPath, open_place
from fitfeed.schemas.storage.place import Place

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks, and the encodings that read past them."""

HEAD_BYTES = 64
NEVER_SEPARATORS = frozenset('"\r\n\0')


class TableFormat(NamedTuple):
    """How a table is written, as far as it is given. What is None is found.

    Attributes:
        encoding: A text encoding that Python knows.
        separator: The character between the fields of a row.
    """

    encoding: str | None = None
    separator: str | None = None

    @property
    def given_flag(self) -> str | None:
        """The flag of the first that is given."""
        flags = {"encoding": "--table-encoding", "separator": "--table-separator"}
        return next((flags[name] for name, value in self._asdict().items() if value is not None), None)


FOUND = TableFormat()
"""Nothing is given."""


def check_format(given: TableFormat) -> None:
    """Checks what is given.

    Raises:
        UsageError: If there is no such encoding, or a row cannot be separated so.
    """
    if given.encoding is not None:
        try:
            io.TextIOWrapper(io.BytesIO(), encoding=given.encoding)
        except (LookupError, ValueError) as error:
            msg = f"--table-encoding {given.encoding}: there is no such encoding. Give for example utf-8, utf-16, cp1252 (Windows, western Europe), latin-1, cp1251 or shift_jis."
            raise UsageError(msg) from error
    if given.separator is not None and (len(given.separator) != 1 or given.separator in NEVER_SEPARATORS):
        msg = f"--table-separator must be one character, such as ';' or tab. Received: {given.separator!r}"
        raise UsageError(msg)


@contextmanager
def open_text(given: GivenPath, encoding: str | None) -> Iterator[TextIO]:
    """Opens a table. Line ends are left as they are.

    Args:
        given: The file.
        encoding: Its encoding; None to take that of its byte order mark, or UTF-8.

    Raises:
        NotFoundError: If it does not exist.
        UsageError: If it cannot be read, also while it is read.
    """
    path = open_place(given, "--labels")
    try:
        with unreadable_is_a_mistake(f"the table of labels {path}"), open_user_file(path) as file:
            used = _encoding_of(path, file.peek(HEAD_BYTES)[:HEAD_BYTES], encoding)
            with io.TextIOWrapper(file, encoding=used, newline="") as stream:
                yield stream
    except UnicodeError as error:
        raise UsageError(_undecodable(path, error, encoding)) from error


def _encoding_of(path: Place, head: bytes, given: str | None) -> str:
    """The encoding to read a table in.

    Raises:
        UsageError: If its first bytes contradict what is given, or are of UTF-16 but do not say so.
    """
    marked = next((encoding for mark, encoding in MARKS if head.startswith(mark)), None)
    if marked is not None:
        family = marked.removesuffix("-sig")
        if given is not None and not codecs.lookup(given).name.startswith(family):
            msg = f"{path} begins with the byte order mark of {family.upper()}, so it is not {given}. Leave --table-encoding out."
            raise UsageError(msg)
        return marked
    if given is None and len(head) > 1:
        for zeros, order in ((head[1::2], "utf-16-le"), (head[::2], "utf-16-be")):
            if not any(zeros):
                msg = f"{path} has a zero in every second byte, as UTF-16 has, but no byte order mark. Give --table-encoding {order}."
                raise UsageError(msg)
    return given or "utf-8"


def _undecodable(path: Place, error: UnicodeError, given: str | None) -> str:
    why = str(error)
    if isinstance(error, UnicodeDecodeError):
        why = f"{error.reason}, byte {error.object[error.start]:#04x}"
    if given is not None:
        return f"{path} is not {given} ({why}). Give another --table-encoding, or save it as UTF-8."
    return (
        f"{path} is not UTF-8 ({why}). Save it as UTF-8, or give its encoding: often --table-encoding cp1252 "
        "if it is from Windows or Excel in western Europe; else for example latin-1, cp1251 or shift_jis."
    )
