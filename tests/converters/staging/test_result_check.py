"""A shard that an earlier run has written counts as long as its file is that one, by identity or by content."""

import hashlib
from pathlib import Path

import pytest

from fitfeed.converters.staging import result_check
from fitfeed.converters.staging.result_check import file_identity, is_whole, whole_identity
from fitfeed.schemas.manifest_parts import Shard
from fitfeed.schemas.storage.local import LocalPlace
from fitfeed.schemas.storage.place import Place
from tests.schemas.storage.places import KINDS, PLACES

NAME = "train-00000-of-00001.tfrecord"


@pytest.mark.parametrize("kind", PLACES)
def test_a_shard_is_whole(kind: str, tmp_path: Path) -> None:
    place = KINDS[kind](tmp_path)
    shard = Shard(file=NAME, bytes=3, sha256=hashlib.sha256(b"abc").hexdigest(), examples=1)
    assert not is_whole(place, shard, identity="")
    known = file_identity(place.write(NAME, b"abc"))
    assert is_whole(place, shard, identity=known)
    assert is_whole(place, shard, identity="of another disk")  # its bytes were compared
    assert changed(place, b"abd", known)
    assert not is_whole(place, shard, identity=known)
    assert changed(place, b"abcd", known)
    assert not is_whole(place, shard, identity=known)


def changed(place: Place, content: bytes, known: str) -> bool:
    return file_identity(place.write(NAME, content)) != known


def test_a_link_to_a_shard_is_none(tmp_path: Path) -> None:
    place = LocalPlace(tmp_path)
    shard = Shard(file=NAME, bytes=3, sha256=hashlib.sha256(b"abc").hexdigest(), examples=1)
    place.write("other", b"abc")
    (tmp_path / NAME).symlink_to("other")
    assert not is_whole(place, shard, identity="")


@pytest.mark.parametrize("kind", PLACES)
def test_a_large_shard_is_compared_piece_by_piece(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many are compared at once in a store: no copy of a whole one is made for that."""
    monkeypatch.setattr(result_check, "PIECE_BYTES", 4)
    place, content = KINDS[kind](tmp_path), bytes(range(11))
    shard = Shard(file=NAME, bytes=11, sha256=hashlib.sha256(content).hexdigest(), examples=1)
    known = file_identity(place.write(NAME, content))
    monkeypatch.setattr(type(place), "as_file", None)
    assert whole_identity(place, shard, identity="other") == known
    place.write(NAME, content[::-1])
    assert whole_identity(place, shard, identity=known) is None
