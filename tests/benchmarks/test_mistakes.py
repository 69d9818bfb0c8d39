"""Launches that cannot work, as commands: each is one line, with its exit status."""

import contextlib
import sys
from pathlib import Path

import google.auth.environment_vars
import pytest

from benchmarks import mistakes
from benchmarks.mistakes import Answer, Mistake, is_right, page, row, without_clouds


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


def test_no_credentials_of_this_machine_are_known() -> None:
    given = {
        "PATH": "/bin",
        "GOOGLE_APPLICATION_CREDENTIALS": "key.json",
        "CLOUDSDK_CONFIG": "gcloud",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23",
        "AZURE_STORAGE_ACCOUNT_KEY": "key",
        "GCE_METADATA_HOST": "metadata.google.internal",
    }
    made = without_clouds(given)
    names = google.auth.environment_vars
    assert made.pop(names.NO_GCE_CHECK) == "true"
    assert all(
        made.pop(name).startswith("127.0.0.1:") for name in (names.GCE_METADATA_HOST, names.GCE_METADATA_IP)
    )
    assert made == {"PATH": "/bin", "AWS_EC2_METADATA_DISABLED": "true"}


@pytest.mark.parametrize("wrong", [("one",), ("one", "two")])
def test_what_is_wrong_is_named(
    wrong: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = [Mistake(name, ()) for name in ("one", "two", "three")]
    monkeypatch.setattr(sys, "argv", ["mistakes"])
    monkeypatch.setattr(mistakes, "mistakes", lambda _: contextlib.nullcontext(made))
    monkeypatch.setattr(mistakes, "link_sample", lambda *_: None)
    monkeypatch.setattr(
        mistakes,
        "answer_to",
        lambda mistake, _: Answer(1 if mistake.name in wrong else 2, "a line\n", 1.0, 1.0),
    )
    assert mistakes.main() == 1
    assert capsys.readouterr().err == f"not one line with its exit status: {'; '.join(wrong)}\n"


@pytest.mark.slow
def test_each_mistake_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["mistakes", "--table", str(tmp_path / "page.md")])
    status = mistakes.main()
    assert (status, capsys.readouterr().err) == (0, "")
    assert (tmp_path / "page.md").read_text().count("| `fitfeed convert: ") >= 15
