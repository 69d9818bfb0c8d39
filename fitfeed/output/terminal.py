"""The door to the terminal: all that commands print goes through here.

Summaries and answers go to standard output, messages and progress to standard error. Names of files, classes, columns and
whatever else strangers have chosen are escaped here, line by line, so nothing that prints has to think of it.
"""

import json
import sys
from collections.abc import Iterable
from typing import TextIO

from fitfeed.schemas.strict_json import JsonObject
from fitfeed.schemas.text import printable


def print_lines(lines: Iterable[str], stream: TextIO | None = None) -> None:
    """Prints each text as exactly one line.

    Args:
        lines: The lines. What is not printable in them is escaped, line breaks too.
        stream: Where to. What its encoding does not have is escaped, too. None: standard output.
    """
    stream = sys.stdout if stream is None else stream
    text = "\n".join(map(printable, lines))
    encoding = stream.encoding or "utf-8"  # `StringIO` has none
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)


def print_json(document: JsonObject, *, indent: int | None = None) -> None:
    """Prints a JSON document to standard output, in ASCII.

    Args:
        document: What to print.
        indent: Spaces for each level; None: the document is one line.
    """
    print(json.dumps(document, indent=indent), flush=True)  # noqa: T201 - the answer
