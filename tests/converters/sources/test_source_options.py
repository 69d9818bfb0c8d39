"""What a user says of sources, as planning takes it."""

from pathlib import Path
from typing import Any

import pytest

from fitfeed.converters.sources.source_options import AS_FOUND, SourceOptions
from fitfeed.converters.sources.table_text import TableFormat
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.storage.local import LocalPlace

NOTHING: dict[str, Any] = {
    **dict.fromkeys(("labels", "split_lists", "leave_out", "table_encoding", "table_separator")),
    "links": "follow",
}


def test_nothing_is_as_found() -> None:
    assert SourceOptions.of(**NOTHING) == AS_FOUND


def test_paths_and_names_of_splits_are_read() -> None:
    given: dict[str, Any] = {
        "labels": "t.csv",
        "leave_out": "out.txt",
        "split_lists": {"val": "v.txt"},
        "links": "refuse",
        "table_encoding": "cp1252",
        "table_separator": ";",
    }
    assert SourceOptions.of(**given) == SourceOptions(
        labels=LocalPlace(Path("t.csv")),
        split_lists={"validation": LocalPlace(Path("v.txt"))},
        leave_out=LocalPlace(Path("out.txt")),
        links="refuse",
        table_format=TableFormat("cp1252", ";"),
    )
    assert SourceOptions.of(**{**NOTHING, "labels": "none"}).labels == "none"


@pytest.mark.parametrize("name", ["labels", "leave_out"])
def test_addresses_are_refused_by_the_name_of_their_option(name: str) -> None:
    with pytest.raises(UsageError, match=f"--{name.replace('_', '-')} hdfs://a/b is an address"):
        SourceOptions.of(**{**NOTHING, name: "hdfs://a/b"})
