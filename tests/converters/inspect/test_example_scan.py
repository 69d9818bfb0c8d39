"""Features of many records, and what is not listed or parsed."""

import dataclasses

import pytest

from fitfeed.converters.inspect.byte_budget import ByteBudget
from fitfeed.converters.inspect.example_scan import RECORD, ExampleScan
from fitfeed.converters.inspect.limits import SAMPLE
from fitfeed.converters.inspect.record_fields import has_many_fields
from fitfeed.converters.inspect.report import Span
from fitfeed.schemas.tfrecord import FramedRecord
from tests.converters.inspect.foreign import example, sequence_example


def scanned(*records: bytes, features: int = 100) -> ExampleScan:
    scan = ExampleScan(dataclasses.replace(SAMPLE, features=features), ByteBudget(SAMPLE))
    for record in records:
        scan.add(FramedRecord(0, len(record), record))
    return scan


def test_numbers_and_names_are_whole() -> None:
    scan = scanned(*(example(time=[1_700_000_000_000 + i], name=[b"cat"], score=[0.1]) for i in range(3)))
    name, score, time = scan.features()
    assert name.few == ("cat",)
    assert score.values == Span(0.1, 0.1)
    assert time.values == Span(1_700_000_000_000, 1_700_000_000_002)


def test_empty_examples_do_not_count_as_records_without_a_feature() -> None:
    scan = scanned(example(a=[1]), b"", b"\n\0", example(a=[2]))
    assert (scan.records, scan.empty, scan.content) == (4, 2, "tf.train.Example")
    (found,) = scan.features()
    assert found.shape == ()


def test_names_that_are_not_utf8() -> None:
    record = b"\n\x10\n\x0e\n\x05gr\xf6\xdfe\x12\x05\x1a\x03\n\x01\x07"
    (found,) = scanned(record).features()
    assert (found.name, found.literal) == ("gr\\xf6\\xdfe", "b'gr\\xf6\\xdfe'")


def test_names_that_are_not_listed_are_counted() -> None:
    scan = scanned(*(example(**{f"f{i}": [1]}) for i in range(20)), features=5)
    assert list(scan.left_out()) == ["20 different feature names, the first 5 are listed"]
    assert scan.facts("none").has_too_many_names


def test_other_records() -> None:
    scan = scanned(b"\xff\xff", example(a=[1]))
    assert scan.content == "bytes"
    assert [found.name for found in scan.features()] == ["a", RECORD]


@pytest.mark.parametrize(
    ("record", "fields"),
    [
        (example(a=[1] * 800), 100),
        (example(a=[1.0] * 1600), 400),
        (example(a=[b""] * 1000), 1000),
        (sequence_example({}, {"a": [[]] * 1000}), 1000),
        (example(**{f"f{i}": [1] for i in range(100)}), 500),
        (example(a=[bytes(100_000)]), 1),
    ],
)
def test_fields_are_counted_as_far_as_needed(record: bytes, fields: int) -> None:
    assert has_many_fields(record, fields - 1)
    assert not has_many_fields(record, fields + 100)


def test_what_is_not_a_message_has_many_fields() -> None:
    assert has_many_fields(b"\xff" * 20, 1000)
