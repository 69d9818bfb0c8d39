"""Reading what was planned, or saying why it is not that any more."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from fitfeed.converters.images.memory_limit import file_bound
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.reading import local_files
from fitfeed.converters.reading.local_files import read_unchanged
from fitfeed.converters.rejects import ImageError
from fitfeed.converters.source_file import SourceFile
from fitfeed.schemas.errors import ConversionError

MOST = file_bound(ConvertOptions().max_pixels)


def listed(path: Path) -> SourceFile:
    status = path.stat()
    return SourceFile(str(path), status.st_size, status.st_mtime_ns)


@pytest.fixture
def file(tmp_path: Path) -> SourceFile:
    (tmp_path / "a.jpg").write_bytes(b"0123456789")
    return listed(tmp_path / "a.jpg")


def read(file: SourceFile) -> bytes:
    return read_unchanged(file, str(Path(file.path).parent), most=MOST)


def refusal(file: SourceFile) -> tuple[str, str]:
    with pytest.raises(ImageError) as caught:
        read(file)
    return caught.value.reason, caught.value.detail


def test_the_file_that_was_listed(file: SourceFile) -> None:
    assert read(file) == b"0123456789"


def test_a_path_that_is_longer_than_paths_may_be(file: SourceFile) -> None:
    """Files are listed from their folder, whose path may just fit."""
    assert refusal(file._replace(path=f"{file.path[:-5]}{'./' * 2048}a.jpg")) == (
        "unreadable",
        "not a readable file (File name too long)",
    )


def test_another_size(file: SourceFile) -> None:
    Path(file.path).write_bytes(b"0123")
    reason, detail = refusal(file)
    assert reason == "vanished"
    assert "changed after it was listed (10 bytes then, 4 now); run the same command again" in detail


def test_the_same_size_written_anew(file: SourceFile) -> None:
    Path(file.path).write_bytes(b"9876543210")
    os.utime(file.path, ns=(0, file.mtime_ns + 1))
    assert "still 10 bytes, but written to" in refusal(file)[1]


def test_changed_while_it_is_read(file: SourceFile, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fstat
    calls: list[int] = []

    def fstat(descriptor: int) -> os.stat_result:
        status = real(descriptor)
        if len(calls) == 1:  # the first call is that of opening
            with Path(file.path).open("ab") as stream:
                stream.write(b"more")
        calls.append(descriptor)
        return status

    monkeypatch.setattr(os, "fstat", fstat)
    assert "(10 bytes then, 14 now)" in refusal(file)[1]
    assert len(calls) == 3


def test_gone(file: SourceFile) -> None:
    Path(file.path).unlink()
    assert refusal(file)[0] == "vanished"


def test_its_folder_has_become_a_file(tmp_path: Path) -> None:
    (tmp_path / "folder").touch()
    assert refusal(SourceFile(str(tmp_path / "folder" / "a.jpg"), 1, 1))[0] == "vanished"


def test_links(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").symlink_to("nowhere")
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    assert refusal(SourceFile(str(tmp_path / "broken.jpg"), 0, 0))[0] == "vanished"
    assert refusal(SourceFile(str(tmp_path / "loop.jpg"), 0, 0))[0] == "unreadable"


def test_a_folder_or_a_pipe_has_taken_its_place(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    assert refusal(SourceFile(str(tmp_path / "pipe.jpg"), 1, 1))[0] == "unreadable"
    assert refusal(SourceFile(str(tmp_path / "folder.jpg"), 1, 1))[0] == "unreadable"


def test_an_error_that_may_pass_is_tried_again(file: SourceFile, monkeypatch: pytest.MonkeyPatch) -> None:
    real, failures = local_files._read_regular_file, [errno.EIO, errno.ESTALE]

    def flaky(*arguments: Any, **options: Any) -> bytes:
        if failures:
            number = failures.pop()
            raise OSError(number, os.strerror(number))
        return real(*arguments, **options)

    monkeypatch.setattr(local_files, "_read_regular_file", flaky)
    monkeypatch.setattr(local_files, "READ_RETRY_DELAY_S", 0)
    assert read(file) == b"0123456789"
    failures.extend([errno.EIO] * 3)
    with pytest.raises(ConversionError, match=r"a\.jpg: Input/output error, 3 times"):
        read(file)


def test_an_error_of_what_is_outside_is_that_files_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "1.jpg").write_bytes(b"0123456789")
    (tmp_path / "source" / "1.jpg").symlink_to("../1.jpg")
    file = listed(tmp_path / "source" / "1.jpg")
    number = errno.EIO

    def failing(path: str) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(local_files, "open_regular", failing)
    monkeypatch.setattr(local_files, "READ_RETRY_DELAY_S", 0)
    assert refusal(file) == (
        "unreadable",
        "it is outside SOURCE, and cannot be read there (Input/output error, 3 times)",
    )
    number = errno.EMFILE
    with pytest.raises(ConversionError, match="Too many open files"):
        read(file)


def test_memory_and_devices_are_never_read(tmp_path: Path) -> None:
    for target in (
        "/proc/self/mem",
        "/proc/self/environ",
        "/sys/kernel/mm/transparent_hugepage/enabled",
        "/dev/zero",
    ):
        link = tmp_path / "link.jpg"
        link.symlink_to(target)
        reason, detail = refusal(listed(link))
        assert reason == "unreadable"
        assert detail in ("in one of /proc/ /sys/ /dev/, where no file is ever read", "not a regular file")
        link.unlink()


def test_short_reads(file: SourceFile, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.read
    monkeypatch.setattr(os, "read", lambda descriptor, size: whole(descriptor, min(size, 3)))
    assert read(file) == b"0123456789"
