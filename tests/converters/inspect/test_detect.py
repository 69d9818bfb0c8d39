"""Foreign TFRecord and HDF5 files: what is in them, and whether the printed parser reads them."""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from fitfeed.converters.inspect import inspect_file
from fitfeed.converters.inspect.report import (
    DISTINCT_LIMIT,
    ForeignFeature,
    ForeignReport,
    Numbers,
    Span,
    image_format,
)
from fitfeed.converters.inspect.tfrecord import RECORD
from fitfeed.schemas.errors import DamagedDatasetError, NotFoundError, UsageError
from fitfeed.schemas.tfrecord import masked_crc32c

CONTAINERS = Path(__file__).parents[2] / "data" / "nasty" / "containers"


def picture(kind: str, *, size: int = 8) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (size, size), (size, 20, 30)).save(stream, kind)
    return stream.getvalue()


def feature(value: Any) -> Any:
    if not value:
        return tf.train.Feature()
    if isinstance(value[0], bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=value))
    if isinstance(value[0], float):
        return tf.train.Feature(float_list=tf.train.FloatList(value=value))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=value))


def example(**values: Any) -> bytes:
    features = {name: feature(value) for name, value in values.items()}
    serialised: bytes = tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()
    return serialised


def sequence_example(context: dict[str, Any], sequences: dict[str, list[Any]]) -> bytes:
    lists = {
        name: tf.train.FeatureList(feature=[feature(step) for step in steps])
        for name, steps in sequences.items()
    }
    message = tf.train.SequenceExample(
        context=tf.train.Features(feature={name: feature(value) for name, value in context.items()}),
        feature_lists=tf.train.FeatureLists(feature_list=lists),
    )
    serialised: bytes = message.SerializeToString()
    return serialised


def write(path: Path, records: list[bytes], compression: str = "") -> Path:
    with tf.io.TFRecordWriter(str(path), compression) as writer:
        for record in records:
            writer.write(record)
    return path


def by_name(report: ForeignReport) -> dict[str, ForeignFeature]:
    return {found.name: found for found in report.features}


def run_parser(report: ForeignReport) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(report.parser, names)
    return names


def parsed(report: ForeignReport) -> list[Any]:
    return list(run_parser(report)["dataset"])


@pytest.fixture
def images(tmp_path: Path) -> Path:
    records = [
        example(
            image=[picture("JPEG", size=8 + i)],
            label=[i % 3],
            box=[0.5] * (4 * i),
            size=[8, 8 + i],
            name=[b"n%d" % i],
        )
        for i in range(7)
    ]
    return write(tmp_path / "images.tfrecord", records)


def test_says_what_the_features_of_examples_are(images: Path) -> None:
    report = inspect_file(images)
    assert (report.format, report.compression, report.content) == ("tfrecord", "none", "tf.train.Example")
    assert (report.records, report.bytes) == (7, images.stat().st_size)
    found = by_name(report)
    assert found["image"].dtype == "string"
    assert found["image"].images == {"jpeg": 7}
    assert found["image"].shape == ()
    assert found["label"].values == Span(0, 2)
    assert found["label"].distinct == 3
    assert found["size"].shape == (2,)
    assert found["name"].distinct == 7
    assert found["box"].shape == (None,)
    assert found["box"].length == Span(0, 24)
    assert found["box"].present == 6  # the first record's list has no kind, so it is not there


def test_printed_parser_reads_images_and_ragged_features(images: Path) -> None:
    records = parsed(inspect_file(images))
    assert len(records) == 7
    assert [record["label"].numpy() for record in records] == [0, 1, 2, 0, 1, 2, 0]
    assert [record["image"].shape.as_list() for record in records] == [[8 + i, 8 + i, 3] for i in range(7)]
    assert [record["box"].shape[0] for record in records] == [4 * i for i in range(7)]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP"])
def test_printed_parser_decodes(kind: str, tmp_path: Path) -> None:
    report = inspect_file(write(tmp_path / "a.tfrecord", [example(image=[picture(kind)])]))
    assert parsed(report)[0]["image"].shape == (8, 8, 3)


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


def test_sequence_examples(tmp_path: Path) -> None:
    records = [
        sequence_example(
            {"id": [i], "tag": [b"x"]},
            {"frame": [[b"%d" % j] for j in range(i + 1)], "box": [[1.0] * j for j in range(1, i + 2)]},
        )
        for i in range(4)
    ]
    report = inspect_file(write(tmp_path / "a.tfrecord", records))
    assert report.content == "tf.train.SequenceExample"
    found = by_name(report)
    assert (found["id"].role, found["frame"].role) == ("context", "sequence")
    assert found["frame"].steps == Span(1, 4)
    assert found["frame"].shape == ()
    assert found["box"].length == Span(1, 4)
    assert [context["id"].numpy() for context, _ in parsed(report)] == [0, 1, 2, 3]
    assert [sequence["frame"].shape[0] for _, sequence in parsed(report)] == [1, 2, 3, 4]


def test_sequence_that_some_records_lack(tmp_path: Path) -> None:
    records = [sequence_example({}, {"a": [[1], [2]], "b": [[3]]}), sequence_example({}, {"a": [[1]]})]
    report = inspect_file(write(tmp_path / "a.tfrecord", records))
    assert [sequence["b"].shape[0] for _, sequence in parsed(report)] == [1, 0]


def test_feature_missing_in_some_records_is_ragged(tmp_path: Path) -> None:
    report = inspect_file(write(tmp_path / "a.tfrecord", [example(a=[1], b=[2]), example(a=[1])]))
    assert by_name(report)["b"].present == 1
    assert [record["b"].numpy().tolist() for record in parsed(report)] == [[2], []]


def test_mixed_and_empty_features_are_left_out_of_the_parser_and_named(tmp_path: Path) -> None:
    report = inspect_file(
        write(tmp_path / "a.tfrecord", [example(a=[1], m=[1], e=[]), example(a=[1], m=[b"1"], e=[])])
    )
    found = by_name(report)
    assert (found["m"].dtype, found["e"].dtype) == ("mixed", "empty")
    assert found["m"].note == "has values of several types (int64, string)"
    assert parsed(report)[0].keys() == {"a"}


@pytest.mark.parametrize("name", ['qu"ote', "new\nline", "ümläut", "back\\slash", "'single'", "\x1b[31m"])
def test_names_are_quoted_in_the_parser(name: str, tmp_path: Path) -> None:
    report = inspect_file(write(tmp_path / "a.tfrecord", [example(**{name: [5]})]))
    assert report.parser.isascii()
    assert "\x1b" not in report.parser
    assert parsed(report)[0][name].numpy() == 5


def test_values_that_are_not_finite_stay_out_of_the_json(tmp_path: Path) -> None:
    report = inspect_file(write(tmp_path / "a.tfrecord", [example(a=[float("nan"), 1.0, float("inf")])]))
    document = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert document["features"][0]["values"] == {"min": 1.0, "max": 1.0}
    assert document["features"][0]["note"] == "2 values are not finite"


@pytest.mark.parametrize(
    "records", [[b"plain text", b"\xff\xd8\xff..."], [example(a=[1]), b"\xff\xff"]], ids=["all", "some"]
)
def test_records_that_are_no_examples(records: list[bytes], tmp_path: Path) -> None:
    report = inspect_file(write(tmp_path / "a.tfrecord", records))
    assert report.content == "bytes"
    assert RECORD in by_name(report)
    assert [record.numpy() for record in parsed(report)] == records


def test_extreme_numbers(tmp_path: Path) -> None:
    report = inspect_file(write(tmp_path / "a.tfrecord", [example(a=[-(2**63)]), example(a=[2**63 - 1])]))
    assert by_name(report)["a"].values == Span(-(2**63), 2**63 - 1)


def test_distinct_values_are_counted_up_to_a_limit() -> None:
    numbers = Numbers()
    for start in range(0, 10 * DISTINCT_LIMIT, 500):
        numbers.add(np.arange(start, start + 500))
    assert numbers.distinct == DISTINCT_LIMIT + 1


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("truncated.tfrecord", "byte 389: .* after 3 good records"),
        ("bit_flip.tfrecord", "byte 0: .* after 0 good records"),
    ],
)
def test_damage_is_named_with_its_place(name: str, where: str) -> None:
    with pytest.raises(DamagedDatasetError, match=where):
        inspect_file(CONTAINERS / name)


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


def test_forged_length_allocates_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.tfrecord"
    length = (2**62).to_bytes(8, "little")
    path.write_bytes(length + masked_crc32c(length).to_bytes(4, "little") + b"x" * 100)
    with pytest.raises(DamagedDatasetError, match="claims"):
        inspect_file(path)


def test_empty_tfrecord_has_no_records() -> None:
    report = inspect_file(CONTAINERS / "empty.tfrecord")
    assert (report.records, report.features) == (0, ())
    assert parsed(report) == []


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


@pytest.mark.parametrize("name", ["truncated.h5", "bad_chunk_dims.h5", "bad_dataset_size.h5"])
def test_damaged_hdf5(name: str) -> None:
    with pytest.raises(DamagedDatasetError, match=f"{name} is damaged"):
        inspect_file(CONTAINERS / name)


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


def test_image_formats_are_told_from_their_bytes() -> None:
    for kind in ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF"):
        assert image_format(picture(kind)) == kind.lower()
    assert image_format(b"BM but a word") is None
    assert image_format(b"") is None


@pytest.fixture
def odd_hdf5(tmp_path: Path) -> Path:
    path = tmp_path / "odd.h5"
    with h5py.File(path, "w", userblock_size=1024) as file:
        file["labels"] = np.arange(30) % 4
        file.create_dataset("grows", data=np.zeros((0, 3)), maxshape=(None, 3))
        file["nothing"] = h5py.Empty("f4")
        file["class"] = 3
        file["names"] = ["a", "b", "a"]
        payloads = file.create_dataset("bool", (2,), h5py.vlen_dtype(np.uint8))
        payloads[0] = np.frombuffer(picture("JPEG"), np.uint8)
        payloads[1] = np.frombuffer(picture("PNG"), np.uint8)
        file["records"] = np.zeros(3, [("a", "i4"), ("b", "f4", (2,))])
        group = file.create_group("group")
        group["loop"] = file["/"]
        group["again"] = file["labels"]
        group["soft"] = h5py.SoftLink("/labels")
        group["outside"] = h5py.ExternalLink("/etc/passwd", "/x")
        file.create_dataset("elsewhere", (10,), "u1", external=[("/etc/hostname", 0, 10)])
        file.create_dataset("endless", (2**50,), "i8", chunks=(1024,))
    return path


def test_hdf5_objects(odd_hdf5: Path) -> None:
    found = by_name(inspect_file(odd_hdf5))
    assert found["/labels"].values == Span(0, 3)
    assert found["/labels"].distinct == 4
    assert found["/names"].distinct == 2
    assert found["/bool"].images == {"jpeg": 1, "png": 1}
    assert found["/bool"].dtype == "variable length of uint8"
    assert found["/records"].dtype == "[('a', '<i4'), ('b', '<f4', (2,))]"
    assert found["/grows"].note == "may grow"
    assert found["/nothing"].note == "has no value"
    assert found["/endless"].note == "more than 100,000,000 values, not read"


def test_hdf5_never_leaves_the_file_and_visits_an_object_once(odd_hdf5: Path) -> None:
    found = by_name(inspect_file(odd_hdf5))
    assert found["/group/outside"].note == "to '/etc/passwd:/x', not followed"
    assert found["/group/soft"].note == "to '/labels', not followed"
    assert found["/elsewhere"].note == "values in other files ('/etc/hostname'), not read"
    assert "/group/again" not in found
    assert not any("loop" in name for name in found)


def test_hdf5_parser_runs_and_shadows_no_builtin(odd_hdf5: Path) -> None:
    names = run_parser(inspect_file(odd_hdf5))
    assert names["labels"][0] == 0
    assert names["data_class"][()] == 3
    assert len(names["bool_2"][0]) == len(picture("JPEG"))
    names["file"].close()
