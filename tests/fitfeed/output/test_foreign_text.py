"""How a report is written for a person."""

from pathlib import Path
from typing import Any

import pytest

from fitfeed.converters.inspect.report import Content, ForeignFeature, ForeignReport, Span
from fitfeed.output.foreign_text import MAX_ROWS, report_lines


def text(*features: ForeignFeature, **fields: Any) -> str:
    fields = {"format": "hdf5", "compression": "none", "content": "hdf5", "bytes": 5, **fields}
    return "\n".join(report_lines(Path("x"), ForeignReport(features=features, parser="code", **fields)))


def dataset(**fields: Any) -> ForeignFeature:
    return ForeignFeature(**{"name": "/x", "role": "dataset", "dtype": "int64", "shape": (9,), **fields})


@pytest.mark.parametrize(
    ("feature", "line"),
    [
        (dataset(values=Span(1234567, 1234567), distinct=1, few=(1234567,)), "1,234,567; 1 distinct"),
        (dataset(values=Span(0, 255), distinct=2, few=(0, 255)), "0..255; 2 distinct"),
        (dataset(values=Span(0, 255), distinct=3, few=(0, 1, 255)), "0..255; 3 distinct: 0, 1, 255"),
        (dataset(values=Span(0, 2), distinct=3, few=(0, 1, 2)), "0..2; 3 distinct"),
        (
            dataset(values=Span(0.0, 1.0), distinct=3, few=(0.0, 0.5, 1.0)),
            "0.0..1.0; 3 distinct: 0.0, 0.5, 1.0",
        ),
        (dataset(distinct=2, few=("cat", "dog")), "2 distinct: cat, dog"),
        (dataset(distinct=1001, values=Span(0, 5000)), "0..5,000; more than 1,000 distinct"),
        (dataset(values=Span(0, 9), values_read=500), "0..9; of the first 500 values"),
        (dataset(also=("/y",), note="gzip"), "also /y; gzip"),
        (
            dataset(images={"png": 3}, content=Content("image", "uint16", (4, 5, 1), ("png",), 1)),
            "3 PNG; 4 x 5, gray, 16 bits",
        ),
        (
            dataset(content=Content("tensor", "uint8", (2, None))),
            "tensor of tf.io.serialize_tensor, uint8 2 x ?",
        ),
    ],
)
def test_values(feature: ForeignFeature, line: str) -> None:
    assert f"\n/x    int64  9      {line}\n" in text(feature)


def test_what_was_left_out_makes_counts_at_least() -> None:
    assert "20 such" in text(dataset(count=20))
    assert "at least 20 such" in text(dataset(count=20), left_out="/ has 30 members")
    records = {
        "format": "tfrecord",
        "content": "tf.train.Example",
        "records": 1234,
        "record_bytes": Span(5, 7),
    }
    assert "\n1,234 records of tf.train.Example, 5..7 bytes each\n" in text(**records)
    assert "\nat least 1,234 records" in text(records_is_at_least=True, **records)


def test_attributes_have_a_table() -> None:
    group = dataset(name="/", role="group", attributes={"class_names": "['cat', 'dog']"})
    assert "attributes of  name         value\n/              class_names  ['cat', 'dog']" in text(group)


def test_many_rows_are_shortened() -> None:
    lines = text(*(dataset(name=f"/{i}") for i in range(MAX_ROWS + 7))).splitlines()
    assert "and 7 more; --json lists them" in lines
    assert len(lines) < MAX_ROWS + 10
