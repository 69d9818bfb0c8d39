"""Reads a text file that has a name on each line: classes, or keys of examples."""

from fitfeed.converters.open_source import unreadable_is_a_mistake
from fitfeed.converters.user_file import open_user_file
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.storage.open_place import GivenPath, open_place

MAX_LIST_BYTES = 1 << 30
"""More than ten million paths take."""


def read_lines(path: GivenPath, flag: str) -> dict[str, int]:
    """Reads a list. Blank lines do not count.

    Args:
        path: A text file in UTF-8.
        flag: The option that names it, for messages.

    Returns:
        Each line, without what ends it, to its number; a line that is repeated, to the number of the first.

    Raises:
        NotFoundError, UsageError: If the file is not there, or is not a text of an allowed size.
    """
    expected = "Expected a text file with one name a line."
    with (
        unreadable_is_a_mistake(f"{flag}: the file {path}", expected),
        open_user_file(open_place(path, flag)) as stream,
    ):
        content = stream.read(MAX_LIST_BYTES + 1)
    if len(content) > MAX_LIST_BYTES:
        msg = f"{flag}: the file {path} has more than {MAX_LIST_BYTES >> 20} MiB. {expected}"
        raise UsageError(msg)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{flag}: the file {path} is not UTF-8 ({error.reason}, byte {content[error.start]:#04x}). Save it as UTF-8."
        raise UsageError(msg) from error
    lines: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        name = line.removesuffix("\r")
        if name.strip():
            lines.setdefault(name, number)
    return lines
