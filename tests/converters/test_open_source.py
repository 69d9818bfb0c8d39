"""What a path leads to, and that nothing but a regular file is opened."""

import os
import socket
from pathlib import Path

import pytest

from fitfeed.converters import open_source
from fitfeed.converters.open_source import find_out, is_of_kernel, is_within, open_regular
from fitfeed.converters.rejects import ImageError
from fitfeed.schemas.errors import ConversionError


def content(path: Path) -> bytes:
    with os.fdopen(open_regular(str(path)), "rb") as stream:
        return stream.read()


def test_a_file_and_a_link_to_it(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"bytes")
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "c").symlink_to(tmp_path / "b")
    for name in "abc":
        assert content(tmp_path / name) == b"bytes"
        found = find_out(str(tmp_path / name))
        assert found.path == os.path.realpath(tmp_path / "a")
        assert found.status == (tmp_path / "a").stat()


def test_names_that_are_not_text(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\n (deleted)"))
    path.write_bytes(b"bytes")
    assert content(path) == b"bytes"
    assert find_out(str(path)).path == os.path.realpath(path)


def test_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "broken").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    for function in (find_out, open_regular):
        with pytest.raises(FileNotFoundError):
            function(str(tmp_path / "broken"))
        with pytest.raises(OSError, match="Too many levels"):
            function(str(tmp_path / "loop"))


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths that are opened for more than to know what they are."""
    paths: list[str] = []
    real = os.open

    def spy(path: str, flags: int) -> int:
        if not flags & os.O_PATH:
            paths.append(path)
        return real(path, flags)

    monkeypatch.setattr(os, "open", spy)
    return paths


def test_pipes_devices_sockets_and_folders_are_not_opened(tmp_path: Path, opened: list[str]) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "null").symlink_to("/dev/null")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        for name in ("pipe", "folder", "null", "socket"):
            with pytest.raises(ImageError, match="not a regular file"):
                open_regular(str(tmp_path / name))
    assert opened == []


@pytest.mark.parametrize(
    "target", ["/proc/self/mem", "/proc/self/environ", "/proc/1/../self/maps", "/proc/self/fdinfo/0"]
)
def test_files_of_the_kernel_are_not_opened(tmp_path: Path, opened: list[str], target: str) -> None:
    (tmp_path / "link").symlink_to(target)
    (tmp_path / "folder").symlink_to(Path(target).parent)
    for path in (target, tmp_path / "link", tmp_path / "folder" / Path(target).name):
        with pytest.raises(ImageError, match="in one of /proc/ /sys/ /dev/, where no file is ever read"):
            open_regular(str(path))
    assert opened == []


def test_a_link_through_proc_ends_where_it_ends(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"bytes")
    (tmp_path / "link").symlink_to(f"/proc/self/root{tmp_path.resolve()}/a")
    assert find_out(str(tmp_path / "link")).path == os.path.realpath(tmp_path / "a")


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("/proc", True),
        ("/proc/self/mem", True),
        ("/sys/kernel", True),
        ("/dev/shm", False),
        ("/dev/shm/photos/1.jpg", False),
        ("/dev/shmem", True),
        ("/dev", True),
        ("/device/1.jpg", False),
        ("/home/proc/1.jpg", False),
        ("/", False),
    ],
)
def test_which_folders_belong_to_the_kernel(path: str, is_one: bool) -> None:
    assert is_of_kernel(path) == is_one


def test_within() -> None:
    assert is_within("/a/b", "/a")
    assert is_within("/a", "/a")
    assert is_within("/a", "/")
    assert is_within("/", "/")
    assert not is_within("/ab", "/a")
    assert not is_within("/", "/a")


def number_of_open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_nothing_stays_open(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"bytes")
    before = number_of_open_files()
    os.close(open_regular(str(tmp_path / "a")))
    for path in (tmp_path, "/proc/self/mem"):
        with pytest.raises(ImageError):
            open_regular(str(path))
    find_out(str(tmp_path))
    assert number_of_open_files() == before


def test_without_proc_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_source, "DESCRIPTORS", str(tmp_path / "proc"))
    for function in (find_out, open_regular):
        with pytest.raises(ConversionError, match="Mount /proc and run the same command again"):
            function(str(tmp_path))
