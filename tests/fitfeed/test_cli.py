"""The command line itself: which command runs, and what its end means."""

import argparse
import importlib.metadata
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fitfeed.cli import build_parser, main
from fitfeed.commands import inspect
from fitfeed.schemas.errors import FitfeedError, NotFoundError

ROOT = Path(__file__).parents[2]
Run = Callable[[argparse.Namespace], int]


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Callable[[Run], None]:
    """Makes `fitfeed inspect` do something else."""

    def replace(run: Run) -> None:
        parser = build_parser()
        real = parser.parse_args

        def parse(arguments: list[str]) -> argparse.Namespace:
            options = real(arguments)
            options.run = run
            return options

        monkeypatch.setattr(parser, "parse_args", parse)
        monkeypatch.setattr("fitfeed.cli.build_parser", lambda: parser)

    return replace


def raising(error: BaseException) -> Run:
    def run(_: argparse.Namespace) -> int:
        raise error

    return run


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("convert", "inspect", "verify", "preview"):
        with pytest.raises(SystemExit) as stopped:
            main([command, "--help"])
        assert stopped.value.code == 0
        assert f"usage: fitfeed {command}" in capsys.readouterr().out
    assert inspect.__doc__


def test_the_status_is_the_commands(running: Callable[[Run], None]) -> None:
    running(lambda _: 5)
    assert main(["inspect", "flowers"]) == 5


@pytest.mark.parametrize("error", [NotFoundError("flowers does not exist"), FitfeedError("something")])
def test_our_errors_are_one_line_and_a_status(
    running: Callable[[Run], None], capsys: pytest.CaptureFixture[str], error: FitfeedError
) -> None:
    running(raising(error))
    assert main(["inspect", "flowers"]) == error.exit_status
    assert capsys.readouterr().err == f"fitfeed inspect: {error}\n"


def test_an_interruption_is_130(running: Callable[[Run], None], capsys: pytest.CaptureFixture[str]) -> None:
    running(raising(KeyboardInterrupt()))
    assert main(["inspect", "flowers"]) == 130
    assert capsys.readouterr().err == "fitfeed inspect: interrupted\n"


INTERRUPTED_IN_TEXT = """\
import sys
from fitfeed import cli
from fitfeed.commands import inspect

def interrupted(options):
    exec("raise KeyboardInterrupt")  # as in a dataclass of a module that is imported

inspect.run = interrupted
sys.exit(cli.main(["inspect", "flowers"]))
"""


def test_python_does_not_end_by_the_signal_instead(tmp_path: Path) -> None:
    """It would with `-m`."""
    (tmp_path / "interrupted.py").write_text(INTERRUPTED_IN_TEXT)
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-m", "interrupted"],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (130, "fitfeed inspect: interrupted\n")


def test_other_errors_are_bugs_and_have_a_traceback_of_printable_lines(
    running: Callable[[Run], None], capsys: pytest.CaptureFixture[str]
) -> None:
    running(raising(ZeroDivisionError("a\x1b]0;owned\x07\u202e\udcff")))
    assert main(["inspect", "flowers"]) == 1
    first, *frames, last = capsys.readouterr().err.splitlines()
    assert first == "Traceback (most recent call last):"
    assert any("in raising" in line or "raise error" in line for line in frames)
    assert last == r"ZeroDivisionError: a\x1b]0;owned\x07\u202e\udcff"


def test_only_convert_passes_options_on(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["inspect", "flowers", "--", "--project=x"])
    assert stopped.value.code == 2
    assert "Received: --project=x" in capsys.readouterr().err


def test_wrong_arguments_end_in_two_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["inspect"])
    assert stopped.value.code == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("fitfeed inspect: the following arguments are required")
    assert second == "Try: fitfeed inspect --help"


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--help"], ["convert", "--help"], ["inspect", "--help"]):
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == 0
        assert "example" in capsys.readouterr().out


def test_no_command_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "fitfeed convert photos/ flowers/" in capsys.readouterr().out
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == importlib.metadata.version(
        "fitfeed"
    )  # tests/test_version.py has the rest


@pytest.mark.parametrize(
    ("error", "kind", "status", "message", "details"),
    [
        (NotFoundError("a", "b", details={"n": 1}), "NotFoundError", 2, ["a", "b"], {"n": 1}),
        (KeyboardInterrupt(), "InterruptedConversionError", 130, ["interrupted"], {}),
        (ZeroDivisionError("division\nby zero"), "ZeroDivisionError", 1, ["division", "by zero"], {}),
    ],
)
def test_every_failure_is_a_document(
    running: Callable[[Run], None],
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    kind: str,
    status: int,
    message: list[str],
    details: dict[str, int],
) -> None:
    running(raising(error))
    assert main(["inspect", "flowers", "--json"]) == status
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {
        "error": {"status": status, "kind": kind, "message": message, "details": details}
    }
    assert message[0] in printed.err
