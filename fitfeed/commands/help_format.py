"""How `--help` looks: what a command takes in one line, then each option, with its help beside it where that fits."""

import argparse
from collections.abc import Iterable
from typing import Any

from typing_extensions import override

HELP_COLUMN = 28
"""Where the help of an option begins. With it, most options of 80 columns take one line or two."""

MAX_WIDTH = 100
"""Longer lines are hard to read, however wide the terminal is."""


class HelpFormat(argparse.RawDescriptionHelpFormatter):
    """Argparse's layout with a short usage: the names of sixty options, without what they mean, help nobody."""

    def __init__(self, prog: str, **options: Any) -> None:
        """Takes what argparse gives.

        Args:
            prog: Name of the program.
            options: Further ones, which depend on the version of Python.
        """
        super().__init__(prog, max_help_position=HELP_COLUMN, **options)
        self._width = min(self._width, MAX_WIDTH)

    @override
    def _format_usage(
        self, usage: str | None, actions: Iterable[argparse.Action], groups: Any, prefix: str | None
    ) -> str:
        if usage is not None:
            return super()._format_usage(usage, actions, groups, prefix)
        shown = [action for action in actions if action.help is not argparse.SUPPRESS]
        required = [action for action in shown if not action.option_strings or action.required]
        has_commands = any(action.nargs == argparse.PARSER for action in shown)
        rest = "" if has_commands or len(required) == len(shown) else " [options]"
        taken = super()._format_usage(None, required, [], prefix).rstrip()
        return f"{taken}{rest}\n\n"

    @override
    def _format_action(self, action: argparse.Action) -> str:
        """Commands need no line of their own before them."""
        written = super()._format_action(action)
        return written.partition("\n")[2] if action.nargs == argparse.PARSER else written

    @override
    def _format_action_invocation(self, action: argparse.Action) -> str:
        """An option with two names says its value once: `-o, --output FILE`."""
        written = super()._format_action_invocation(action)
        if len(action.option_strings) < 2 or action.nargs == 0:
            return written
        value = self._format_args(action, self._get_default_metavar_for_optional(action))
        return f"{', '.join(action.option_strings)} {value}"
