"""Runs a command in this process, and checks that it gives one of its documented answers."""

import contextlib
import io

from fitfeed.cli import main
from tests.fuzz.kept_process import one_process_for_all
from tests.fuzz.target import expect

ANSWERS = (0, 2, 3, 4, 5)
"""Documented exit statuses that bytes may cause. 1 would be a bug, and 7 and 130 have other causes."""


def run_command(*arguments: object) -> int:
    """Runs `fitfeed` with arguments.

    Returns:
        Its exit status.

    Raises:
        AssertionError: If it is not one of `ANSWERS`, or a terminal would obey something that was printed.
    """
    stdout, stderr = io.StringIO(), io.StringIO()
    with one_process_for_all(), contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        status = main([str(argument) for argument in arguments])
    printed = stdout.getvalue() + stderr.getvalue()
    expect(status in ANSWERS, f"status {status}:\n{printed}")
    expect(all(line.isprintable() for line in printed.split("\n")), f"not printable: {printed!r}")
    expect(status in (0, 5) or len(stderr.getvalue().splitlines()) == 1, f"not one line: {printed}")
    return status
