"""Launches that cannot work, as commands: each is one line, with its exit status."""

import sys
from pathlib import Path

import pytest

from benchmarks import mistakes
from benchmarks.mistakes import Answer, Mistake, is_right, page, row


def test_a_row_names_no_place_of_this_machine() -> None:
    mistake = Mistake("no server there", ("--runner", "flink"), status=6)
    answer = Answer(6, "fitfeed convert: nothing at 127.0.0.1:4711 for /tmp/x/photos\n", 1.26, 0.5)
    assert is_right(mistake, answer)
    shown = row(mistake, answer, "/tmp/x")
    assert shown == (
        "| no server there | 6 | 1.3 (0.5) | `fitfeed convert: nothing at host:8099 for /home/me/photos` |"
    )
    assert shown in page([shown]).splitlines()


@pytest.mark.parametrize(("status", "text"), [(1, "a line\n"), (6, "Traceback\n  of a bug\n"), (6, "")])
def test_another_status_or_more_than_a_line_is_seen(status: int, text: str) -> None:
    assert not is_right(Mistake("", (), status=6), Answer(status, text, 1.0, 1.0))


@pytest.mark.slow
def test_each_mistake_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["mistakes", "--table", str(tmp_path / "page.md")])
    assert mistakes.main() == 0
    assert (tmp_path / "page.md").read_text().count("| `fitfeed convert: ") >= 15
