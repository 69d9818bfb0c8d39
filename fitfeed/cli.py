"""The command line: parsing, and turning errors into one line and an exit status."""

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from typing_extensions import override

from fitfeed.commands import convert, inspect, preview, verify
from fitfeed.output.terminal import print_lines
from fitfeed.schemas.errors import FitfeedError

DESCRIPTION = "Turn a folder of images into a dataset once, then feed Keras fit at full speed."

EPILOG = """\
examples:
  fitfeed convert photos/ flowers/      one folder of images per class -> TFRecord shards
  fitfeed inspect flowers/              what is in it, and how to train on it
  fitfeed verify flowers/               whether every file and example is whole
  fitfeed preview flowers/ -o f.png     some of its pictures, stored and augmented

exit status: 0 done, 1 unexpected failure, 2 wrong usage, 3 too many bad inputs,
4 the same image in two splits, 5 damaged or incomplete dataset,
7 another launch has published meanwhile, 130 interrupted
"""


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are two lines, without the whole usage.

    Attributes:
        add_flags: Adds flags to the parser when its command is run. For those that take time to find out.
    """

    add_flags: "Callable[[argparse.ArgumentParser], None] | None" = None

    @override
    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        if self.add_flags is not None:
            self.add_flags(self)
            self.add_flags = None
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        print_lines([f"{self.prog}: {message}", f"Try: {self.prog} --help"], sys.stderr)
        self.exit(2)


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = _Parser(
        prog="fitfeed",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    for command in (convert, inspect, verify, preview):
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
        print_lines(f"fitfeed {options.command}: {error}".split("\n"), sys.stderr)  # its lines are escaped
        return error.exit_status
    except KeyboardInterrupt:
        print_lines([f"fitfeed {options.command}: interrupted"], sys.stderr)
        return 130
    except BrokenPipeError:  # `fitfeed inspect ... | head` closed the pipe: that is fine
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:  # noqa: BLE001 - a bug; its message may quote anything
        print_lines(traceback.format_exc().rstrip().split("\n"), sys.stderr)
        return FitfeedError.exit_status
    return status


def _split_at_dashes(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Everything after `--` goes to Beam untouched."""
    if "--" not in arguments:
        return arguments, []
    at = arguments.index("--")
    return arguments[:at], arguments[at + 1 :]
