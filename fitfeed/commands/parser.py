"""The parser of every command: what argparse does, and clear answers to what is written wrong.

An option that is given twice is refused, because the second value would win without a word. An option, a command or a
choice that does not exist is answered with the one that was probably meant.
"""

import argparse
import difflib
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, NoReturn

from typing_extensions import override

from fitfeed.output.failure_json import print_failure
from fitfeed.output.terminal import print_error
from fitfeed.schemas.errors import UsageError

REPEATABLE = (argparse._AppendAction, argparse._ExtendAction, argparse._CountAction)  # noqa: SLF001 - no public names


class CommandParser(argparse.ArgumentParser):
    """A parser whose errors are two lines, without the whole usage.

    Attributes:
        add_flags: Adds flags to the parser when its command is run. For those that take time to find out.
    """

    add_flags: "Callable[[argparse.ArgumentParser], None] | None" = None
    _as_json = False
    _is_inner = False
    _is_completed = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Makes it as argparse does; the names of what is required say enough without a heading."""
        super().__init__(*arguments, **options)
        self._positionals.title = None

    def add_all_flags(self) -> None:
        """Adds the flags that take time to find out, if there are any."""
        if self.add_flags is not None:
            self.add_flags(self)
            self.add_flags = None

    def prepare_completion(self, words: Collection[str]) -> None:
        """Lets argcomplete walk through this parser, which knows what plain argparse does.

        Args:
            words: The command line. Only a command that is named in it gets all of its flags.
        """
        self._is_completed = True
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - no public name
                for name, parser in action.choices.items():
                    parser.prepare_completion(words)
                    if name in words:
                        parser.add_all_flags()

    @override
    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        self.add_all_flags()
        if self._is_inner or self._is_completed:
            return super().parse_known_args(args, namespace)
        arguments = sys.argv[1:] if args is None else list(args)
        self._as_json = "--json" in arguments
        self._values: dict[str, str] = {}
        if self._subparsers is not None:  # the parser of the command looks at the rest
            return super().parse_known_args(arguments, namespace)
        self._require_known(arguments)
        # Paths may come between options: argparse calls this method once for these, and once for those.
        self._is_inner = True
        self.usage = (
            self.format_usage().removeprefix("usage: ").replace("%", "%%")
        )  # it would not escape `N|P%`
        try:
            options, unknown = self.parse_known_intermixed_args(arguments, namespace)
        finally:
            self._is_inner, self.usage = False, None
        self._require_none(unknown)
        return options, unknown

    @override
    def error(self, message: str) -> NoReturn:
        print_error(self.prog, [message, f"Try: {self.prog} --help"])
        if self._as_json:
            print_failure(UsageError(f"{self.prog}: {message}"))
        self.exit(UsageError.exit_status)

    @override
    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:
        """The values of one option: argparse calls this each time that it is given."""
        if self._is_completed:
            return super()._get_values(action, arg_strings)
        if action.option_strings and not isinstance(action, REPEATABLE):
            value, flag = " ".join(arg_strings), max(action.option_strings, key=len)
            if flag in self._values:
                both = f": {self._values[flag]} and {value}" if value else ""
                self.error(f"{flag} is given twice{both}. Give it once.")
            self._values[flag] = value
        return super()._get_values(action, arg_strings)

    @override
    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            meant = did_you_mean(str(value), map(str, action.choices or ()))
            raise argparse.ArgumentError(action, f"{error.message}{meant}") from None

    def _require_known(self, arguments: Sequence[str]) -> None:
        """Names an option that does not exist before argparse misses others, which may be written wrong."""
        flags = list(self._option_string_actions)
        for argument in arguments:
            name = argument.partition("=")[0]
            if " " not in name and name.startswith("--") and not any(flag.startswith(name) for flag in flags):
                self.error(f"there is no option {name}{did_you_mean(name, flags)}")

    def _require_none(self, unknown: Sequence[str]) -> None:
        """Refuses what is left over: short options that do not exist, and too many arguments."""
        if not unknown:
            return
        if unknown[0].startswith("-"):
            self.error(f"there is no option {unknown[0]}")
        shown = (each for each in self._get_positional_actions() if each.help is not argparse.SUPPRESS)
        names = " ".join(str(action.metavar) for action in shown)
        self.error(f"expected {names}, and received more: {' '.join(unknown)}")


def did_you_mean(written: str, names: Iterable[str]) -> str:
    """The end of a message about a name that does not exist: the most similar one, if any is similar."""
    similar = difflib.get_close_matches(written, list(names), n=1)
    return f". Did you mean {similar[0]}?" if similar else ""
