"""How a report is written."""

import json

import pytest

from fitfeed.converters.inspect.report import ForeignFeature, ForeignReport, Span, number_text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1234567, "1,234,567"),
        (1700000000001, "1,700,000,000,001"),
        (-(2**63), "-9,223,372,036,854,775,808"),
        (0.1, "0.1"),
        (1234567.5, "1234567.5"),
        (1e-30, "1e-30"),
        (3.0, "3.0"),
    ],
)
def test_every_number_is_whole(number: float, text: str) -> None:
    assert number_text(number) == text
    assert str(Span(number, number)) == text
    assert str(Span(number, number + 1)).startswith(f"{text}..")


def test_what_does_not_apply_is_left_out_of_json() -> None:
    feature = ForeignFeature(name="a", role="dataset", dtype="int64", values=Span(0, 0), distinct=1001)
    report = ForeignReport(
        format="hdf5", compression="none", content="hdf5", bytes=1, features=(feature,), parser=""
    )
    document = json.loads(json.dumps(report.to_dict()))
    assert document["features"] == [
        {
            "name": "a",
            "role": "dataset",
            "dtype": "int64",
            "count": 1,
            "shape": [],
            "values": {"min": 0, "max": 0},
            "distinct": 1001,
            "distinct_is_at_least": True,
        }
    ]
    assert "records" not in document
    assert "left_out" not in document
