"""What the shell completes when Tab is pressed: commands, options, choices, and paths where an option takes one.

The shell runs `fitfeed` for that, and waits. So nothing is imported here that a command needs to run.
"""

import argparse
import os
import re

import argcomplete
from argcomplete.completers import BaseCompleter, FilesCompleter
from typing_extensions import override

from fitfeed.commands.parser import CommandParser

PATH = re.compile(r"\b(SOURCE|DATASET|PATH|FILE|TABLE)\b")
"""What the help calls a value that is a path, or may be one."""


class PathCompleter(BaseCompleter):
    """The paths that may complete a value, where one is a path."""

    @override
    def __call__(
        self,
        *,
        prefix: str,
        action: argparse.Action,
        parser: argparse.ArgumentParser,
        parsed_args: argparse.Namespace,
    ) -> list[str]:
        value = str(action.metavar)
        if PATH.search(value) is None:
            return []
        before, path = "", prefix
        for mark in ("=", "@"):  # of NAME=FILE and @FILE
            if mark in value and mark in path:
                begun, _, path = path.partition(mark)
                before += begun + mark
        return [before + found for found in FilesCompleter()(path)]


def complete(parser: CommandParser) -> None:
    """Answers the shell, and ends the process.

    Args:
        parser: The whole command line.
    """
    parser.prepare_completion(os.environ.get("COMP_LINE", "").split())
    # Options come once `-` is written; before it, they would hide the files.
    argcomplete.autocomplete(parser, always_complete_options=False, default_completer=PathCompleter())
