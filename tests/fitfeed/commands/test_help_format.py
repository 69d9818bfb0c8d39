"""The help of each command fits a screen, or its first screen has what most people need."""

import argparse

import pytest

from fitfeed.cli import main
from fitfeed.commands.help_format import HelpFormat

ROWS, COLUMNS = 24, 80


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> "Help":
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    return Help(capsys)


class Help:
    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def of(self, *command: str) -> list[str]:
        with pytest.raises(SystemExit) as stopped:
            main([*command, "--help"])
        assert stopped.value.code == 0
        return self._capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("command", ["", "estimate", "inspect", "verify", "preview", "report", "bench"])
def test_a_screen_is_enough(command: str, shown: Help) -> None:
    lines = shown.of(*command.split())
    assert len(lines) < ROWS  # and one for the prompt
    assert max(map(len, lines)) <= COLUMNS
    assert any(line.startswith("example") for line in lines)


def test_the_first_screen_of_convert_has_what_most_people_need(shown: Help) -> None:
    lines = shown.of("convert")
    assert max(map(len, lines)) <= COLUMNS
    assert lines[0] == "usage: fitfeed convert SOURCE [SOURCE ...] DATASET [options]"
    first = [line.split()[0] for line in lines[: ROWS - 1] if line.strip()]
    wanted = ["SOURCE", "DATASET", "--size", "--split", "--format", "--labels", "--max-bad", "--dry-run"]
    assert [each for each in wanted if each not in first] == []
    groups = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert groups == [
        "options:",
        "how images are stored:",
        "how examples are arranged:",
        "which files are taken:",
        "how classes are called and numbered:",
        "labels from a table:",
        "how it runs:",
        "examples:",
    ]


def test_the_usage_names_what_is_required(shown: Help) -> None:
    assert shown.of()[0] == "usage: fitfeed COMMAND ..."
    assert shown.of("report")[0] == "usage: fitfeed report -o FILE DATASET [options]"
    assert "  -o, --output FILE       page to write: .html" in shown.of("report")


def test_an_option_with_two_names_says_all_of_its_values_once() -> None:
    parser = argparse.ArgumentParser(formatter_class=HelpFormat)
    parser.add_argument("-p", "--pair", nargs=2, metavar=("LOW", "HIGH"))
    parser.add_argument("-n", "--name")
    lines = [line.strip() for line in parser.format_help().splitlines()]
    assert "-p, --pair LOW HIGH" in lines
    assert "-n, --name NAME" in lines


def test_a_wide_terminal_gets_lines_that_are_read(shown: Help, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    assert max(map(len, shown.of("convert"))) <= 100
