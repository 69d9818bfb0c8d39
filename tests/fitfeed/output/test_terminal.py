"""What reaches a terminal."""

import io
import json
import sys
from pathlib import Path

import h5py
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fitfeed.cli import main
from fitfeed.output.terminal import columns_of_bars, print_error, print_json, print_lines
from tests.without_beam import without_beam

ANY_TEXT = st.text(st.characters() | st.sampled_from("\n\r\x1b\x9b\x7f\u2028\u202e\udc80"))


@given(st.lists(ANY_TEXT, min_size=1))
def test_a_text_is_a_line(texts: list[str]) -> None:
    stream = io.StringIO(newline="")
    print_lines(texts, stream)
    lines = stream.getvalue().split("\n")
    assert lines.pop() == ""
    assert len(lines) == len(texts)
    assert all(line.isprintable() for line in lines)


def test_letters_stay(capsys: pytest.CaptureFixture[str]) -> None:
    print_lines(["Blüte 花", "a\nb"])
    assert capsys.readouterr() == ("Blüte 花\na\\nb\n", "")


@pytest.mark.parametrize(
    ("encoding", "shown"), [("ascii", rb"Bl\xfcte \u82b1"), ("latin-1", b"Bl\xfcte \\u82b1")]
)
def test_what_an_encoding_does_not_have_is_escaped(encoding: str, shown: bytes) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    print_lines(["Blüte 花"], stream)
    stream.seek(0)
    assert stream.buffer.read() == shown + b"\n"


@given(ANY_TEXT)
def test_json_is_ascii_and_reads_back(text: str) -> None:
    stream = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", stream)
        print_json({text: [text]})
    (line,) = stream.getvalue().split("\n")[:-1]
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line) == {text: [text]}


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_commands_print_in_every_encoding(
    encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names that the terminal's encoding does not have never end a command."""
    for name in ("größe", "猫"):
        (tmp_path / "source" / name).mkdir(parents=True)
        Image.effect_noise((12, 12), 50).save(tmp_path / "source" / name / "1.png")
    with h5py.File(tmp_path / "größe猫.h5", "w") as file:
        file["größe猫"] = [1]
        file.attrs["größe猫"] = "größe猫"
    out, missing = tmp_path / "猫", tmp_path / "größe猫"
    convert = ["convert", str(tmp_path / "source"), str(out)]
    foreign = ["inspect", str(tmp_path / "größe猫.h5")]
    dataset = ["inspect", str(out)]
    commands = [convert, dataset, [*dataset, "--json"], foreign, [*foreign, "--json"], [*foreign, str(out)]]
    others = [
        ["verify", str(out)],
        ["verify", str(out), "--json"],
        ["preview", str(out), "-o", str(tmp_path / "猫.png")],
    ]
    for command in [*commands, *others]:
        assert status_in(encoding, command, monkeypatch) == (0, True), command
    assert status_in(encoding, ["inspect", str(missing)], monkeypatch) == (2, True)


def status_in(encoding: str, command: list[str], monkeypatch: pytest.MonkeyPatch) -> tuple[int, bool]:
    """The exit status of a command, and whether it printed no traceback."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
    monkeypatch.setattr("sys.stdout", streams[0])
    monkeypatch.setattr("sys.stderr", streams[1])
    with without_beam():
        status = main(command)
    monkeypatch.undo()
    for stream in streams:
        stream.flush()
    printed = b"".join(stream.buffer.getvalue() for stream in streams)
    return status, b"Traceback" not in printed


class ColorTerminal(io.StringIO):
    """A terminal that shows colors."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("variables", "has_colors"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),  # no-color.org: set, and not empty
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({}, False),
    ],
)
def test_only_errors_and_warnings_have_a_color_and_only_where_it_is_wanted(
    variables: dict[str, str], has_colors: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TERM", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    terminal = ColorTerminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    print_error("fitfeed convert", ["no \x1b[32m folder", "warning: of a stranger"])
    print_lines(["warning: odd", "a warning: none"], terminal)
    red, yellow, plain = ("\x1b[31m", "\x1b[33m", "\x1b[0m") if has_colors else ("", "", "")
    assert terminal.getvalue().splitlines() == [
        rf"{red}fitfeed convert:{plain} no \x1b[32m folder",
        "warning: of a stranger",
        f"{yellow}warning:{plain} odd",
        "a warning: none",
    ]
    elsewhere = io.StringIO()
    print_lines(["warning: odd"], elsewhere)
    assert elsewhere.getvalue() == "warning: odd\n"


def test_bars_need_a_terminal_and_its_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "97")
    assert columns_of_bars() is None
    monkeypatch.setattr(sys, "stdout", ColorTerminal())
    assert columns_of_bars() == 97
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="latin-1"))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert columns_of_bars() is None
