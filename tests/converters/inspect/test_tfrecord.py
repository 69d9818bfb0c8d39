"""Foreign TFRecord files: what is in them, and whether the printed parser reads them."""

import json
from pathlib import Path

import pytest

from fitfeed.converters.inspect import inspect_file
from fitfeed.converters.inspect.example_scan import RECORD
from fitfeed.converters.inspect.report import (
    Span,
)
from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.tfrecord import masked_crc32c
from tests.converters.inspect.foreign import (
    CONTAINERS,
    READS_WEBP,
    by_name,
    example,
    parsed,
    picture,
    sequence_example,
    write,
)


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


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", pytest.param("WEBP", marks=READS_WEBP)])
def test_printed_parser_decodes(kind: str, tmp_path: Path) -> None:
    report = inspect_file(write(tmp_path / "a.tfrecord", [example(image=[picture(kind)])]))
    assert parsed(report)[0]["image"].shape == (8, 8, 3)


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
