"""Foreign TFRecord and HDF5 files: what is in them, and whether the printed parser reads them."""

import csv
import gzip
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from fitfeed.converters.inspect import inspect_file
from fitfeed.schemas.errors import DamagedDatasetError, NotFoundError, UsageError
from tests.converters.inspect.foreign import (
    CONTAINERS,
    by_name,
    example,
    parsed,
    picture,
    run_parser,
    write,
)


@pytest.mark.parametrize("compression", ["GZIP", "ZLIB"])
def test_compressed_files_are_recognised_by_their_bytes(compression: str, tmp_path: Path) -> None:
    path = write(tmp_path / "file.bin", [example(label=[i]) for i in range(1000)], compression)
    report = inspect_file(path)
    assert report.compression == compression.lower()
    assert report.records == 1000
    assert len(parsed(report)) == 1000


def test_gzip_members_one_after_another_and_padding(tmp_path: Path) -> None:
    one = write(tmp_path / "one.tfrecord", [example(label=[1])]).read_bytes()
    path = tmp_path / "two.tfrecord.gz"
    path.write_bytes(gzip.compress(one) + gzip.compress(one) + b"\0" * 512)
    assert inspect_file(path).records == 2


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress])
def test_damaged_compression_is_damage(compress: Callable[[bytes], bytes], tmp_path: Path) -> None:
    whole = compress((CONTAINERS / "good.tfrecord").read_bytes())
    path = tmp_path / "a.tfrecord"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DamagedDatasetError, match="ends too early"):
        inspect_file(path)
    path.write_bytes(whole[:-6] + bytes(byte ^ 0xFF for byte in whole[-6:]))
    with pytest.raises(DamagedDatasetError, match="good records"):
        inspect_file(path)


def test_every_hostile_container_gets_its_verdict() -> None:
    lines = (CONTAINERS.parent / "expected.csv").read_text(encoding="utf-8").splitlines()
    rows = [row for row in csv.DictReader(lines) if row["path"].startswith("containers/")]
    assert len(rows) == 10
    for row in rows:
        path = CONTAINERS.parent / row["path"]
        # A file without a record is legal, as its note says: it is read, as having none.
        if row["handling"] == "accept" or row["reason"] == "empty_file":
            assert inspect_file(path).records != 0 or path.stat().st_size == 0
            continue
        error = UsageError if row["reason"] == "not_hdf5" else DamagedDatasetError
        with pytest.raises(error, match=path.name):
            inspect_file(path)


def test_real_foreign_files() -> None:
    tfrecord = inspect_file(CONTAINERS / "good.tfrecord")
    assert tfrecord.records == len(parsed(tfrecord)) == 4
    hdf5 = inspect_file(CONTAINERS / "good.h5")
    assert {name: found.shape for name, found in by_name(hdf5).items()} == {
        "/dset1": (10, 20),
        "/dset2": (30, 20),
    }
    names = run_parser(hdf5)
    assert names["dset1"][0].shape == (20,)
    names["file"].close()
    assert (
        by_name(inspect_file(CONTAINERS / "good_compressed.h5"))["/dset1"].note
        == "gzip in chunks of (10, 20)"
    )


@pytest.mark.parametrize(
    ("name", "content", "guess"),
    [
        ("a.jpg", picture("JPEG"), r"a picture \(JPEG\)"),
        ("a.tfrecord", picture("PNG"), r"a picture \(PNG\)"),
        ("a.zip", b"PK\x03\x04....", "a zip archive"),
        ("a.h5", b"hello\n", "a text file"),
        ("a.txt", "ä".encode() * 5000, "a text file"),
        ("a.gz", gzip.compress(b"hello", mtime=0), "a gzip file, but not of TFRecords"),
        ("a.pkl", b"\x80\x04\x95", "a Python pickle"),
        ("a.bin", b"", "empty"),
        ("a.bin", bytes(100), "zero bytes only"),
        ("a.bin", b"\x01\xfe\x03\xff" * 9, "unknown type"),
        ("manifest.json", b"{}", "Name the folder: fitfeed inspect "),
    ],
)
def test_other_files_are_named_for_what_they_are(
    name: str, content: bytes, guess: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UsageError, match=guess):
        inspect_file(path)


def test_no_file_and_no_regular_file(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="does not exist"):
        inspect_file(tmp_path / "nothing")
    with pytest.raises(UsageError, match="regular file"):
        inspect_file(Path("/dev/null"))
