"""What a dataset has stored of an example is read only if it is what was stored."""

from pathlib import Path

import google_crc32c
import pytest

from fitfeed.converters.reading.stored_payload import read_stored, require_stored, stored_at
from fitfeed.converters.rejects import ImageError
from fitfeed.converters.source_file import SourceFile, StoredAt

SHARD = b"before" + b"payload" + b"after"
PAYLOAD = StoredAt("x.tfrecord", 6, google_crc32c.value(b"payload"))


@pytest.fixture
def file(tmp_path: Path) -> SourceFile:
    path = tmp_path / PAYLOAD.shard
    path.write_bytes(SHARD)
    return SourceFile("a.png", 7, path.stat().st_mtime_ns, stored=PAYLOAD)


def test_the_payload(file: SourceFile, tmp_path: Path) -> None:
    assert read_stored(file, stored_at(file), tmp_path, most=7) == b"payload"
    with pytest.raises(ValueError, match=r"a\.png is not an example of a dataset"):
        stored_at(file._replace(stored=None))


@pytest.mark.parametrize(
    ("content", "stored", "most", "expected"),
    [
        (None, PAYLOAD, 7, ("vanished", "is missing, or is not a file of the dataset's folder")),
        (SHARD, PAYLOAD, 6, ("bomb", "it has more than 6 bytes")),
        (SHARD, PAYLOAD._replace(offset=14), 7, ("truncated", "ends after 4 of its 7 bytes")),
        (SHARD, PAYLOAD._replace(crc32c=1), 7, ("corrupt", "the CRC-32C differs")),
        (SHARD, PAYLOAD._replace(shard="../x.tfrecord"), 7, ("vanished", "is missing")),
    ],
)
def test_what_is_not_what_was_stored(
    file: SourceFile,
    tmp_path: Path,
    content: bytes | None,
    stored: StoredAt,
    most: int,
    expected: tuple[str, str],
) -> None:
    if content is None:
        (tmp_path / PAYLOAD.shard).unlink()
    with pytest.raises(ImageError, match=expected[1]) as caught:
        read_stored(file, stored, tmp_path, most=most)
    assert caught.value.reason == expected[0]


def test_a_shard_that_has_changed_is_asked_for_only_where_bytes_differ(file: SourceFile) -> None:
    asked: list[bool] = []

    def changed() -> bool:
        asked.append(True)
        return True

    assert require_stored(b"payload", file, PAYLOAD, changed) == b"payload"
    assert asked == []
    with pytest.raises(ImageError, match="was changed after it was listed"):
        require_stored(b"paYload", file, PAYLOAD, changed)
