# PYTHON_ARGCOMPLETE_OK: shells look for this word before they ask a program what to complete.
"""The command line: parsing, and turning errors into one line and an exit status."""

import argparse
import os
import sys
import traceback
from collections.abc import Sequence

from fitfeed.commands import bench, convert, estimate, inspect, preview, report, verify
from fitfeed.commands.help_format import HelpFormat
from fitfeed.commands.parser import CommandParser
from fitfeed.output.failure_json import print_failure
from fitfeed.output.terminal import print_error, print_lines
from fitfeed.schemas.errors import FitfeedError, InterruptedConversionError

DESCRIPTION = "Turn a folder of images into a dataset once, then feed Keras fit at full speed."

EPILOG = """\
examples:
  fitfeed convert photos/ flowers/    a folder of images per class -> a dataset
  fitfeed inspect flowers/            what is in it, and how to train on it

exit status: 0 done, 1 unexpected failure, 2 wrong usage, 3 too many bad inputs,
4 image in two splits, 5 damaged, 6 remote failure, 7 overtaken, 130 interrupted
"""

ASKED_BY_SHELL = "_ARGCOMPLETE"
"""The variable that a shell sets when it asks what may follow on the command line."""


def build_parser() -> CommandParser:
    """The whole command line."""
    parser = CommandParser(
        prog="fitfeed",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=HelpFormat,
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    subparsers = parser.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", parser_class=CommandParser
    )
    for command in (estimate, convert, inspect, verify, preview, report, bench):
        command.add_parser(subparsers)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        arguments: Command line without the program's name; None for this process's own.

    Returns:
        The exit status.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    arguments, passed_on = _split_at_dashes(arguments)
    parser = build_parser()
    if ASKED_BY_SHELL in os.environ:
        from fitfeed.commands.completion import complete

        complete(parser)
    options = parser.parse_args(arguments)
    if options.version:
        from importlib.metadata import version

        print_lines([version("fitfeed")])
        return 0
    if options.command is None:
        parser.print_help()
        return 2
    if passed_on and options.command != "convert":
        parser.error(f"only convert passes options on after --. Received: {' '.join(passed_on)}")
    options.passed_on = passed_on
    return _run(options)


def _run(options: argparse.Namespace) -> int:
    try:
        status: int = options.run(options)
        sys.stdout.flush()
    except FitfeedError as error:
        print_error(f"fitfeed {options.command}", str(error).split("\n"))  # its lines are escaped
        return _failed(options, error)
    except KeyboardInterrupt:
        print_error(f"fitfeed {options.command}", ["interrupted"])
        return _failed(options, InterruptedConversionError("interrupted"))
    except BrokenPipeError:  # `fitfeed inspect ... | head` closed the pipe: that is fine
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - a bug; its message may quote anything
        print_lines(traceback.format_exc().rstrip().split("\n"), sys.stderr)
        return _failed(options, error)
    return status


def _failed(options: argparse.Namespace, error: Exception) -> int:
    """Prints the document of a failure, if one was asked for; returns the exit status."""
    if options.json:
        print_failure(error)
    if isinstance(error, InterruptedConversionError):
        _end_by_status()
    return error.exit_status if isinstance(error, FitfeedError) else FitfeedError.exit_status


def _end_by_status() -> None:
    """Lets the process end with its exit status after Ctrl-C.

    Python notes that a KeyboardInterrupt has passed text that it executes, as that of a dataclass when a module is imported.
    `python -m fitfeed` would then end by SIGINT, whatever the status is. Executing any other text clears the note.
    """
    exec("")  # noqa: S102 - nothing is executed


def _split_at_dashes(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Everything after `--` goes to Beam untouched."""
    if "--" not in arguments:
        return arguments, []
    at = arguments.index("--")
    return arguments[:at], arguments[at + 1 :]
