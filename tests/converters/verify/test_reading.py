"""One pass over a file: what is read, and what is said of the whole of it."""

import hashlib
from pathlib import Path

import pytest

from fitfeed.converters.verify import reading
from fitfeed.converters.verify.reading import Reading, sha256_from_disk
from fitfeed.schemas.manifest_parts import File

CONTENT = bytes(range(256)) * 20


def entry(content: bytes = CONTENT, name: str = "a.bin") -> File:
    return File(file=name, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "a.bin").write_bytes(CONTENT)
    return tmp_path / "a.bin"


def verdict_on(path: Path, *known: File) -> tuple[str, str, int | None] | None:
    with Reading(path, entry(), lambda size: None) as whole:
        found = whole.finish({file.sha256: file.file for file in known})
    return None if found is None else (found.kind, found.detail, found.offset)


def test_it_reads_on_and_counts(path: Path) -> None:
    sizes: list[int] = []
    with Reading(path, entry(), sizes.append) as whole:
        assert whole.read(10) == CONTENT[:10]
        assert whole.read_line(100) == b"\n"  # byte 10 of the content
        assert (whole.position, whole.left) == (11, len(CONTENT) - 11)
        whole.read_until(300)
        assert whole.position == 300
        assert whole.read(10**9) == CONTENT[300:]
        assert whole.read(1) == b""
        assert whole.finish({}) is None
    assert sum(sizes) == len(CONTENT)


def test_a_verdict_needs_no_reading_before_it(path: Path) -> None:
    assert verdict_on(path) is None


def test_a_file_that_ends_too_early(path: Path) -> None:
    path.write_bytes(CONTENT[:-7])
    size = len(CONTENT)
    assert verdict_on(path) == ("truncated", f"it ends after {size - 7} of its {size} bytes", size - 7)


def test_a_file_that_was_prolonged(path: Path) -> None:
    path.write_bytes(CONTENT + b"more")
    size = len(CONTENT)
    assert verdict_on(path) == ("appended", f"4 bytes follow after its {size}, which are whole", size)
    path.write_bytes(b"\1" + CONTENT + b"more")
    assert verdict_on(path) == ("size", f"it has {size + 5} bytes instead of {size}", None)


def test_a_file_that_holds_anothers_content(path: Path) -> None:
    other = CONTENT[::-1]
    path.write_bytes(other)
    found = verdict_on(path, entry(), entry(other, "b.bin"))
    assert found is not None
    assert found[:2] == ("swapped", "it holds the content of b.bin; put both back")


def test_changed_bytes_are_read_a_second_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(b"\1" + CONTENT[1:])
    found = verdict_on(path)
    assert found is not None
    assert found[0] == "sha256"
    assert "the same both times it was read" in found[1]
    monkeypatch.setattr(reading, "sha256_from_disk", lambda path: "0" * 64)
    found = verdict_on(path)
    assert found is not None
    assert "different each time it is read" in found[1]
    monkeypatch.setattr(reading, "sha256_from_disk", lambda path: entry().sha256)  # memory was to blame
    found = verdict_on(path)
    assert found is not None
    assert found[0] == "memory"


def test_the_digest_of_what_is_on_disk(path: Path) -> None:
    assert sha256_from_disk(path) == entry().sha256
