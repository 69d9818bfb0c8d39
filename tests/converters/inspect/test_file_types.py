"""What is said of files that are neither TFRecord nor HDF5, and what helps."""

import gzip
from pathlib import Path

import h5py
import pytest

from fitfeed.converters.inspect import inspect_file
from fitfeed.schemas.errors import DamagedDatasetError, UsageError

LFS = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 123456\n".encode()


def hdf5(tmp_path: Path) -> bytes:
    with h5py.File(tmp_path / "source.h5", "w") as file:
        file["x"] = range(10)
    return (tmp_path / "source.h5").read_bytes()


@pytest.mark.parametrize("name", ["a.tfrecord", "a.h5", "a.tfrecord-00000-of-00002", "a"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (LFS, "a Git LFS pointer, not the file itself. Fetch the file, in its repository: git lfs pull."),
        (b"<!DOCTYPE html><html><head>", "a web page that was saved in place of the file"),
        (b"\n  <HTML lang='en'>", "a web page that was saved in place of the file"),
        (b"\xef\xbb\xbf<!doctype html>", "a web page that was saved in place of the file"),
        (b"<?xml version='1.0'?>\n<Error><Code>AccessDenied</Code>", "an error message of an object store"),
    ],
)
def test_what_was_not_downloaded(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=message):
        inspect_file(tmp_path / name)


@pytest.mark.parametrize("name", ["x.h5.gz", "x.gz", "x.tfrecord.gz"])
def test_hdf5_through_gzip(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(gzip.compress(hdf5(tmp_path)))
    with pytest.raises(UsageError, match=r"a gzip file of HDF5\. Decompress it first, with gunzip"):
        inspect_file(tmp_path / name)


NAMES = [
    "x.tfrecord",
    "x.tfrecord-00000-of-00002",
    "x.tfrecords.gz-00001-of-00002",
    "x.record",
    "x.TFRecord",
    "x.tfrec",
    "x.records-00000-of-00001",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_tfrecord_files(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.touch()
    assert inspect_file(path).records == 0
    path.write_bytes(b"\x0b\0\0\0\0\0\0\0\x01\x02\x03\x04some record\x05\x06\x07\x08")
    with pytest.raises(DamagedDatasetError, match="record at byte 0: the checksum of its length is wrong"):
        inspect_file(path)


@pytest.mark.parametrize("name", ["x.recording", "x.mytfrecord_notes", "record", "x"])
def test_other_names_prove_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x0b\0\0\0\0\0\0\0\x01\x02\x03\x04some record\x05\x06\x07\x08")
    with pytest.raises(UsageError, match="a file of an unknown type"):
        inspect_file(tmp_path / name)
