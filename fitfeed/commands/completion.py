"""What the shell completes when Tab is pressed: commands, options, choices, and paths where an option takes one.

The shell runs `fitfeed` for that, and waits. So nothing is imported here that a command needs to run.

Whoever presses Tab may look at names that a stranger has chosen. Folders are listed by Python, and not by argcomplete's
`FilesCompleter`: that one asks bash, and before argcomplete 3.7 it wrote the names unquoted into bash's program.
"""

import argparse
import os
import re
from collections.abc import Iterator
from pathlib import Path

import argcomplete
from argcomplete.completers import BaseCompleter
from typing_extensions import override

from fitfeed.commands.parser import CommandParser

PATH = re.compile(r"\b(SOURCE|DATASET|PATH|FILE|TABLE)\b")
"""What the help calls a value that is a path, or may be one."""

NAMED = re.compile(r"=|\bSOURCE\b")
"""What the help calls a path that stands behind `NAME=`, or may."""


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
        if PATH.search(value) is None or (prefix.startswith("~") and _is_zsh()):
            return []
        found = paths_like(prefix)
        for mark, is_taken in (("=", NAMED.search(value)), ("@", "@" in value)):
            before, written, path = prefix.partition(mark)
            if is_taken and written and not found:  # what is there as it is written has no name
                found = [before + mark + each for each in paths_like(path)]
        return found


def paths_like(begun: str) -> list[str]:
    """The paths that begin like this, in order; those of folders end in `/`.

    Hidden ones are left out until their dot is written, and those that a terminal cannot show until somebody renames them.

    Args:
        begun: A path, or the first part of one, as it is written: relative, absolute, or below `~`.
    """
    folder, slash, name = begun.rpartition("/")
    try:
        with os.scandir(Path(folder + slash).expanduser()) as entries:
            return sorted(f"{folder}{slash}{each}" for each in _names_like(name, entries))
    except (OSError, RuntimeError):  # not there, or not to be looked into; nobody is called that
        return []


def _is_zsh() -> bool:
    """Whether the shell is zsh. It quotes the `~` of a path that completes a word, so that no folder of anybody's is meant."""
    return os.environ.get("_ARGCOMPLETE_SHELL") == "zsh"


def _names_like(begun: str, entries: "Iterator[os.DirEntry[str]]") -> Iterator[str]:
    for entry in entries:
        name = entry.name
        is_shown = name.isprintable() and (begun or not name.startswith("."))
        if is_shown and name.startswith(begun):
            yield f"{name}/" if _is_folder(entry) else name


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads in a circle, or where nobody may look
        return False


def complete(parser: CommandParser) -> None:
    """Answers the shell, and ends the process.

    Args:
        parser: The whole command line.
    """
    parser.prepare_completion(os.environ.get("COMP_LINE", "").split())
    # Options come once `-` is written; before it, they would hide the files.
    argcomplete.autocomplete(parser, always_complete_options=False, default_completer=PathCompleter())
