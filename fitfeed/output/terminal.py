"""The door to the terminal: all that commands print goes through here.

Summaries and answers go to standard output, messages and progress to standard error. Names of files, classes, columns and
whatever else strangers have chosen are escaped here, line by line, so nothing that prints has to think of it.
"""

import json
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

from fitfeed.schemas.strict_json import JsonObject
from fitfeed.schemas.text import printable

WARNING = "warning:"
"""What a line begins with that is more than information."""

RED, YELLOW, PLAIN = "\x1b[31m", "\x1b[33m", "\x1b[0m"
"""Colors are for errors and warnings, and all that they say is in the words, too."""


def print_lines(lines: Iterable[str], stream: TextIO | None = None) -> None:
    """Prints each text as exactly one line.

    Args:
        lines: The lines. What is not printable in them is escaped, line breaks too.
        stream: Where to. What its encoding does not have is escaped, too. None: standard output.
    """
    stream = sys.stdout if stream is None else stream
    is_colored = has_colors(stream)
    texts = (escaped(line, stream) for line in lines)
    text = "\n".join(_painted(each, WARNING, YELLOW) if is_colored else each for each in texts)
    print(text, file=stream, flush=True)


def print_error(program: str, lines: Sequence[str]) -> None:
    """Prints why a command failed to standard error.

    Args:
        program: The command, which begins the first line.
        lines: The message.
    """
    texts = [escaped(line, sys.stderr) for line in (f"{program}: {lines[0]}", *lines[1:])]
    if has_colors(sys.stderr):
        texts[0] = _painted(texts[0], f"{program}:", RED)
    print("\n".join(texts), file=sys.stderr, flush=True)  # noqa: T201 - the door


def escaped(text: str, stream: TextIO) -> str:
    """A text as one line that the stream can take: what is not printable, or not in its encoding, is escaped."""
    encoding = stream.encoding or "utf-8"  # `StringIO` has none
    return printable(text).encode(encoding, "backslashreplace").decode(encoding)


def columns_of_bars() -> int | None:
    """Columns of the terminal that standard output is; None if it is none, or cannot show bars of blocks."""
    if not (sys.stdout.isatty() and has_blocks(sys.stdout)):
        return None
    return shutil.get_terminal_size().columns


def has_blocks(stream: TextIO) -> bool:
    """Whether the encoding of a stream has the characters of which bars are made."""
    try:
        "█▏▁".encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def has_colors(stream: TextIO) -> bool:
    """Whether a stream is a terminal that shows colors, and nobody wants none (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"


def _painted(line: str, beginning: str, color: str) -> str:
    """A line whose beginning has a color, so that it is seen among others. The line is escaped already."""
    if not line.startswith(beginning):
        return line
    return f"{color}{beginning}{PLAIN}{line[len(beginning) :]}"


def print_json(document: JsonObject, *, indent: int | None = None) -> None:
    """Prints a JSON document to standard output, in ASCII.

    Args:
        document: What to print.
        indent: Spaces for each level; None: the document is one line.
    """
    print(json.dumps(document, indent=indent), flush=True)  # noqa: T201 - the answer
