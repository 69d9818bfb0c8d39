"""The record of a launch: what an older launch may still do to it, and what may be found in its place."""

from pathlib import Path
from typing import Any

import pytest

from fitfeed.converters.staging.launch import LAUNCH_NAME, MAX_LAUNCH_BYTES, JobLaunch, LaunchRecord
from fitfeed.schemas.errors import OvertakenError
from fitfeed.schemas.storage.place import Place
from tests.schemas.storage.places import KINDS, PLACES


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return KINDS[request.param](tmp_path)


def test_a_job_that_ends_while_it_is_named_has_ended(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    record = LaunchRecord(place)
    record.begin(JobLaunch(token="one", engine="flink"))
    read = LaunchRecord._read

    def late(self: LaunchRecord) -> Any:
        found = read(self)
        monkeypatch.setattr(LaunchRecord, "_read", read)
        record.name_job("one", "Flink job 1")
        return found

    monkeypatch.setattr(LaunchRecord, "_read", late)
    record.end("one")
    launch = record.read()
    assert launch is not None
    assert (launch.job, launch.ended) == ("Flink job 1", True)


def test_an_older_launch_changes_nothing_of_the_next(place: Place) -> None:
    record = LaunchRecord(place)
    record.begin(JobLaunch(token="old", engine="flink"))
    record.require("old")
    record.name_job("old", "Flink job 1")
    assert str(record.read()).startswith("Flink job 1, started by ")
    record.begin(JobLaunch(token="new", engine="flink"))
    before = record.read()
    for act in (record.end, record.withdraw, lambda token: record.name_job(token, "Flink job 2")):
        act("old")
    assert record.read() == before
    with pytest.raises(OvertakenError, match="another launch has begun"):
        record.require("old")
    record.end("new")
    ended = record.read()
    assert ended is not None
    assert ended.ended
    record.require("new")
    record.withdraw("new")
    assert record.read() is None
    with pytest.raises(OvertakenError):
        record.require("new")


def test_of_two_changes_at_once_none_is_lost_to_a_third_launch(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A publisher that ends just when the next launch begins does not say that the next one has ended."""
    record = LaunchRecord(place)
    record.begin(JobLaunch(token="old"))
    write_if = type(place).write_if

    def late(self: Place, *arguments: object, **named: object) -> object:
        LaunchRecord(place).begin(JobLaunch(token="new"))
        return write_if(self, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(type(place), "write_if", late)
    record.end("old")
    launch = record.read()
    assert launch is not None
    assert (launch.token, launch.ended) == ("new", False)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b'{"token": 1}',
        b'{"token": "x", "ended": {}}',
        b"[" * 9999,
        b" " * MAX_LAUNCH_BYTES,
    ],
    ids=["empty", "nothing", "list", "number", "object", "deep", "long"],
)
def test_what_is_no_record_counts_as_none(place: Place, content: bytes) -> None:
    place.write(LAUNCH_NAME, content)
    assert LaunchRecord(place).read() is None
    with pytest.raises(OvertakenError):
        LaunchRecord(place).require("x")


def test_where_nothing_is_there_is_none(place: Place) -> None:
    record = LaunchRecord(place)
    assert record.read() is None
    record.end("x")
    record.withdraw("x")
    record.forget()
    assert not place.exists()
