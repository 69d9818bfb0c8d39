"""The files for TensorFlow Datasets beside a manifest, and files of others that have their names."""

import errno
from pathlib import Path

import pytest

from fitfeed.converters.staging import tfds_place
from fitfeed.converters.staging.tfds_place import complete_tfds_files, put_tfds_files, remove_tfds_files
from fitfeed.schemas.manifest import Manifest, read_manifest
from fitfeed.schemas.storage.local import LocalPlace
from fitfeed.schemas.storage.place import Found
from fitfeed.schemas.tfds_info import TFDS_NAMES, tfds_files
from tests.folders import contents

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.fixture
def manifest() -> Manifest:
    return read_manifest(next(GOLDEN.glob("version-2-16-bits-tfrecord")))


def test_they_are_put_and_removed(manifest: Manifest, tmp_path: Path) -> None:
    place = LocalPlace(tmp_path)
    put_tfds_files(place, manifest)
    assert contents(tmp_path) == tfds_files(manifest)
    times = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    put_tfds_files(place, manifest)
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == times
    remove_tfds_files(place)
    assert contents(tmp_path) == {}
    put_tfds_files(place, manifest)
    put_tfds_files(place, manifest.model_copy(update={"format": "hdf5"}))
    assert contents(tmp_path) == {}


def test_they_are_completed_where_there_is_a_dataset(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = LocalPlace(tmp_path)
    complete_tfds_files(place)
    assert contents(tmp_path) == {}
    (tmp_path / "manifest.json").write_text(manifest.to_json())

    def read_only(self: LocalPlace, name: str, content: bytes) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", name)

    with monkeypatch.context() as patch:
        patch.setattr(LocalPlace, "write", read_only)
        complete_tfds_files(place)
    assert set(contents(tmp_path)) == {"manifest.json"}
    complete_tfds_files(place)
    assert {name: contents(tmp_path)[name] for name in TFDS_NAMES} == tfds_files(manifest)


@pytest.mark.parametrize("frozen_before", TFDS_NAMES)
def test_who_has_published_meanwhile_has_his_files(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frozen_before: str
) -> None:
    """A launch that was frozen between its manifest and one of its files goes on when another one has published."""
    place, other = LocalPlace(tmp_path), read_manifest(GOLDEN / "version-2-keep-tfrecord")
    write = LocalPlace.write

    def overtaken(self: LocalPlace, name: str, content: bytes) -> Found:
        if name == frozen_before and not (tmp_path / "manifest.json").exists():
            (tmp_path / "manifest.json").write_text(other.to_json())
            put_tfds_files(self, other)
        return write(self, name, content)

    monkeypatch.setattr(LocalPlace, "write", overtaken)
    put_tfds_files(place, manifest)
    assert {name: contents(tmp_path)[name] for name in TFDS_NAMES} == tfds_files(other)


def test_where_there_are_none_nothing_is_read(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = LocalPlace(tmp_path)
    (tmp_path / "manifest.json").write_text(manifest.to_json())
    with monkeypatch.context() as patch:
        patch.setattr(tfds_place, "read_if_ours", None)
        put_tfds_files(place, manifest, are_new=True)
    assert {name: contents(tmp_path)[name] for name in TFDS_NAMES} == tfds_files(manifest)


@pytest.mark.parametrize("foreign", TFDS_NAMES)
def test_what_came_meanwhile_is_not_replaced(manifest: Manifest, tmp_path: Path, foreign: str) -> None:
    (tmp_path / foreign).write_bytes(b"{}")
    put_tfds_files(LocalPlace(tmp_path), manifest, are_new=True)
    assert contents(tmp_path) == {foreign: b"{}"}


@pytest.mark.parametrize("foreign", TFDS_NAMES)
@pytest.mark.parametrize("content", [b"", b"{}"])
def test_ours_is_not_left_beside_a_foreign_one(
    manifest: Manifest, tmp_path: Path, foreign: str, content: bytes
) -> None:
    """He who replaced one of ours by his own would have the other read with it."""
    put_tfds_files(LocalPlace(tmp_path), manifest)
    (tmp_path / foreign).write_bytes(content)
    put_tfds_files(LocalPlace(tmp_path), manifest)
    assert contents(tmp_path) == {foreign: content}
