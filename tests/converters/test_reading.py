"""Reading source files: whole, whatever the system says of their size, and nothing but files."""

import os
from pathlib import Path

import pytest

from converters import reading
from converters.decode import ImageError
from converters.reading import read_source
from schemas.errors import ConversionError


@pytest.mark.parametrize("size", [0, 1, 1000, 1001])
def test_whole_files_up_to_the_bound(tmp_path: Path, size: int) -> None:
    content = bytes(range(256)) * 4
    path = tmp_path / "file"
    path.write_bytes(content[:size])
    if size <= 1000:
        assert read_source(str(path), most=1000) == content[:size]
        return
    with pytest.raises(ImageError, match="more than 1000 bytes") as caught:
        read_source(str(path), most=1000)
    assert caught.value.reason == "bomb"


def test_short_reads_and_unknown_sizes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = os.urandom(10_000)
    path = tmp_path / "file"
    path.write_bytes(content)
    whole = os.read
    monkeypatch.setattr(os, "read", lambda descriptor, size: whole(descriptor, min(size, 999)))
    assert read_source(str(path), most=10_000) == content
    with pytest.raises(ImageError, match="more than 9999 bytes"):
        read_source(str(path), most=9_999)
    # The kernel gives these files no size.
    assert read_source("/proc/self/cmdline", most=1 << 20) == Path("/proc/self/cmdline").read_bytes()


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, reason in (("pipe", "unreadable"), ("", "unreadable"), ("nothing", "vanished")):
        with pytest.raises(ImageError) as caught:
            read_source(str(tmp_path / name), most=10)
        assert caught.value.reason == reason


def test_errors_that_may_pass_are_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"content")
    failures = [OSError(5, "Input/output error")] * 2
    opened = os.open

    def fail_twice(path: str, flags: int) -> int:
        if failures:
            raise failures.pop()
        return opened(path, flags)

    monkeypatch.setattr(os, "open", fail_twice)
    monkeypatch.setattr(reading, "READ_RETRY_DELAY_S", 0)
    assert read_source(str(tmp_path / "file"), most=10) == b"content"
    failures += [OSError(5, "Input/output error")] * 3
    with pytest.raises(ConversionError, match="Input/output error, 3 times"):
        read_source(str(tmp_path / "file"), most=10)
