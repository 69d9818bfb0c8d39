"""No name that a stranger has chosen controls a terminal, or makes a line of its own: any name, every command."""

import contextlib
import functools
import io
import json
import os
import tempfile
import traceback
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitfeed import open_dataset
from fitfeed.cli import main
from fitfeed.schemas.errors import DamagedDatasetError
from tests.effort import tries
from tests.fitfeed.hostile_classes import SITUATIONS
from tests.without_beam import without_beam

PLAIN = "plain"

WINDOW_TITLE, COLORS = "\x1b]0;owned\x07", "\x1b[31m\x9b32m\x7f"
LINES = "\nflowers is whole\r\v\f\x85\u2028"
TURNED = "gpj.\u202e\u2066\u200f\u061c\u200b\ufeff"
EVERYTHING = f"{WINDOW_TITLE}{COLORS}{LINES}{TURNED}"
NOT_UTF_8 = os.fsdecode(b"\xff\xfe.jpg")

characters = st.characters(exclude_categories=["Cs"], exclude_characters="/\0")
escapes = st.characters(categories=["Cc", "Cf", "Zl", "Zp", "Co"], exclude_characters="\0")
not_utf8 = st.binary(min_size=1, max_size=3).map(
    lambda data: os.fsdecode(bytes(byte | 0x80 for byte in data))
)
file_names = st.lists(characters | escapes | not_utf8, min_size=1, max_size=20).map("".join)
"""What file names may have, but short."""


def shown(situation: str, name: str) -> list[tuple[int, str, str]]:
    """Status, standard output and standard error of each command of a situation."""
    results = []
    with tempfile.TemporaryDirectory() as folder, without_beam():
        for arguments in SITUATIONS[situation](Path(folder), f"n{name}n"):
            out, err = io.StringIO(newline=""), io.StringIO(newline="")
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                try:
                    status = main(
                        [os.fspath(word) if isinstance(word, Path) else str(word) for word in arguments]
                    )
                except SystemExit as stopped:  # argparse's own
                    status = int(stopped.code or 0)
            results.append((status, out.getvalue(), err.getvalue()))
    return results


@functools.cache
def lines_of(situation: str) -> list[tuple[int, int, int]]:
    """Status and numbers of lines of each command, for a name that harms nobody."""
    results = shown(situation, PLAIN)
    assert any(f"n{PLAIN}n" in out + err for _, out, err in results), "no command shows the name"
    return [(status, lines_in(out), lines_in(err)) for status, out, err in results]


def lines_in(text: str) -> int:
    """The number of lines. A JSON document counts as one, however many letters of a name it lists."""
    try:
        json.loads(text)
    except ValueError:
        return text.count("\n")
    return 1


def check(situation: str, name: str) -> None:
    results = shown(situation, name)
    for _, out, err in results:
        for line in (out + err).split("\n"):
            assert line.isprintable()
        assert "Traceback" not in err
    assert [(status, lines_in(out), lines_in(err)) for status, out, err in results] == lines_of(situation)


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("name", [EVERYTHING, NOT_UTF_8], ids=["text", "not_utf8"])
def test_names_are_escaped_where_they_are_shown(situation: str, name: str) -> None:
    check(situation, name)


def test_a_traceback_of_a_users_script_has_printable_lines(tmp_path: Path) -> None:
    with without_beam():
        commands = SITUATIONS["wrong_manifests"](tmp_path, f"n{EVERYTHING}n")
    folders = [Path(str(folder)) for command, folder, *_ in commands if command == "inspect"]
    assert len(folders) == 8
    for folder in folders:
        with pytest.raises(DamagedDatasetError) as raised:
            open_dataset(folder)
        lines = "".join(traceback.format_exception(raised.value)).split("\n")
        assert [line for line in lines if not line.isprintable()] == []


@pytest.mark.slow
@settings(max_examples=tries(200))
@given(situation=st.sampled_from(sorted(SITUATIONS)), name=file_names)
def test_any_name_in_any_situation(situation: str, name: str) -> None:
    check(situation, name)
