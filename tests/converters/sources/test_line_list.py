"""Files that have a name on each line."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fitfeed.converters.sources import line_list
from fitfeed.converters.sources.line_list import read_lines
from fitfeed.schemas.errors import NotFoundError, UsageError
from tests.effort import tries


def test_lines_and_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes("\ufeffa b\r\n\n  \nc\u2028d\r\na b\ne".encode())
    assert read_lines(path, "--leave-out") == {"a b": 1, "c\u2028d": 4, "e": 6}
    path.write_bytes(b"")
    assert read_lines(path, "--leave-out") == {}


@given(st.binary(max_size=40))
@settings(max_examples=tries(200), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_lines_or_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(content)
    try:
        lines = read_lines(path, "--leave-out")
    except UsageError:
        with pytest.raises(UnicodeDecodeError):
            content.decode("utf-8-sig")
    else:
        assert all(name.strip() and "\n" not in name for name in lines)
        assert sorted(set(lines.values())) == list(lines.values())


def test_what_is_not_a_list_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "list.txt"
    with pytest.raises(NotFoundError, match=r"--leave-out: the file .*list.txt does not exist"):
        read_lines(path, "--leave-out")
    with pytest.raises(UsageError, match="cannot be read: not a regular file"):
        read_lines(tmp_path, "--leave-out")
    path.write_bytes(b"a\nK\xe4se\n")
    with pytest.raises(UsageError, match=r"is not UTF-8 \(.*, byte 0xe4\)\. Save it as UTF-8"):
        read_lines(path, "--leave-out")
    monkeypatch.setattr(line_list, "MAX_LIST_BYTES", 3)
    with pytest.raises(UsageError, match="Expected a text file with one name a line"):
        read_lines(path, "--leave-out")
