"""All options together: how they are recorded, and that every part checks its own."""

import dataclasses
from typing import Any

import pytest

from fitfeed.converters.options import RECORDED_ORDER, ConvertOptions
from fitfeed.schemas.errors import UsageError


def test_every_option_is_recorded_in_its_place() -> None:
    assert sorted(field.name for field in dataclasses.fields(ConvertOptions)) == sorted(RECORDED_ORDER)
    content = ConvertOptions(group="patient", label_columns=("a", "b:int"), depth=16).to_json()
    assert list(content) == [name for name in RECORDED_ORDER if name in content]


@pytest.mark.parametrize("given", [{}, {"size": (9, 9), "encoding": "raw"}, {"split": {"train": 1.0}}])
def test_options_are_read_as_they_were_recorded(given: dict[str, Any]) -> None:
    options = ConvertOptions(**given)
    assert ConvertOptions.from_json(options.to_json()) == options


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"encoding": "raw", "size": (9, 9), "fit": "shorter"}, "--fit cover"),
        ({"shards": 0}, "Received: shards=0"),
        ({"shard_bytes": 0}, "Received: shard_bytes=0"),
        ({"shards": 2, "shard_bytes": 5}, "contradict"),
        ({"split": {"train": 0.8, "validation": 0.3}}, "which sum to 1.1"),
        ({"class_from": "last"}, "Received: class_from='last'"),
    ],
)
def test_every_part_checks_its_own(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ConvertOptions(**given)
