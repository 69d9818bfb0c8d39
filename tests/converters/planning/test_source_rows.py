"""The rows of a source and a dataset are those of a dict by key, as JSON."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fitfeed.converters.planning import source_rows
from fitfeed.converters.planning.example_places import find_places
from fitfeed.converters.planning.source_rows import listed_rows, times, united_rows
from fitfeed.converters.staging.job import LongList
from tests.converters.planning.held import CLASSES, OneFile, held_dataset, listed

FILES = st.builds(
    OneFile,
    key=st.text("ab/é\U0001f600", min_size=1, max_size=3),
    split=st.sampled_from(["train", "test"]),
    bytes=st.integers(0, 2**40),
    animal=st.sampled_from(CLASSES),
    tags=st.sets(st.sampled_from(CLASSES)).map(lambda tags: tuple(sorted(tags))),
    age=st.integers(-(2**63), 2**63 - 1),
    weight=st.floats(allow_nan=False, allow_infinity=False),
    note=st.text(st.characters(codec="utf-8"), max_size=4),
)
SEVERAL = st.lists(FILES, max_size=12, unique_by=lambda file: file.key)


def rows(content: LongList) -> object:
    return json.loads(b"[%b]" % b",".join(filter(None, content.parts)))


@given(SEVERAL, SEVERAL, st.integers(1, 5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_united_rows_are_those_of_a_dict(
    tmp_path: Path, held: list[OneFile], here: list[OneFile], at_once: int
) -> None:
    base = held_dataset(tmp_path, held)
    here.sort(key=lambda file: file.key.encode())
    table, splits = listed(here)
    places = find_places(table.files.keys, base.indexes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source_rows, "AT_ONCE", at_once)
        united = rows(united_rows(base, table, splits, places.others(base.indexes)))
        alone = rows(listed_rows(table, splits))
    expected = {file.key: file.as_example for file in held} | {file.key: file.as_file for file in here}
    assert united == [expected[key] for key in sorted(expected)]
    assert alone == [file.as_file for file in sorted(here, key=lambda file: file.key)]


def test_a_listing_without_an_order_is_put_in_order() -> None:
    table, splits = listed([OneFile("b"), OneFile("a")])
    assert rows(listed_rows(table, splits)) == [OneFile("a").as_file, OneFile("b").as_file]
    assert rows(times(table)) == [["a", 0, 0], ["b", 0, 0]]
