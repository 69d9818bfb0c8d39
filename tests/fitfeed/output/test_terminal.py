"""What reaches a terminal."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.output.terminal import print_json, print_lines

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
