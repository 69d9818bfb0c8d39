"""A shard that an engine writes twice: at once, because one attempt is slow, or again, because one has failed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.planning.plan import make_plan
from fitfeed.converters.publishing.publish import publish
from fitfeed.converters.shards import write_shard as module
from fitfeed.converters.shards.write_shard import write_shard
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.quarantine import Quarantine
from fitfeed.converters.staging.results import ShardTotals
from fitfeed.converters.staging.staging import Staging, open_staging
from fitfeed.schemas.errors import ConversionError
from fitfeed.schemas.storage.local import LocalPlace
from fitfeed.schemas.storage.place import Place
from tests.deep import png
from tests.schemas.storage.places import memory_place

STEPS: list[tuple[str, Any, str]] = [
    ("before the plan is read", WorkFolder, "read_plan"),
    ("before an earlier result is looked for", WorkFolder, "read_result"),
    ("before the file is opened", module, "open_writer"),
    ("before each image", module, "_make_record"),
    ("after each image", module, "_add_row"),
    ("after the file is in place", module, "file_identity"),
    ("before the result is written", WorkFolder, "write_result"),
]


class Attempts:
    """Attempts at the one shard of a job."""

    def __init__(self, source: Path, dataset: Place) -> None:
        plan = make_plan(source, ConvertOptions(shards=1, max_pixels=10_000))
        with open_staging(dataset) as staging:
            self.work = staging.prepare(plan, timeout_s=0)
        self.job: Job = self.work.read_job()

    def write(self) -> ShardTotals:
        return write_shard(self.work, self.job, 0, lambda *_: None)

    def published(self) -> dict[str, bytes]:
        """All files of the dataset, after its publication."""
        totals = self.write()
        assert totals.reused
        assert publish(self.work, [totals]).status == "published"
        return self.stored()

    def stored(self) -> dict[str, bytes]:
        """The same, of a dataset that is published."""
        Staging(self.work.dataset).remove()
        found = self.work.dataset.files(deep=True)
        return {
            each.name: self.work.dataset.read(each.name, at_most=each.bytes)[0]
            for each in found
            if each.name != "sources.arrow"  # has times of files
        }


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for number in range(3):
        name = tmp_path / "photos" / ("cat", "dog")[number % 2] / f"{number}.png"
        name.parent.mkdir(parents=True, exist_ok=True)
        name.write_bytes(png(np.full((4, 5, 3), number * 20, np.uint8)))
    return tmp_path / "photos"


@pytest.fixture(params=["folder", "store"])
def attempts(request: pytest.FixtureRequest, photos: Path, tmp_path: Path) -> Attempts:
    place = memory_place() if request.param == "store" else LocalPlace(tmp_path / "dataset")
    return Attempts(photos, place)


@pytest.fixture
def expected(photos: Path, tmp_path: Path) -> dict[str, bytes]:
    undisturbed = Attempts(photos, LocalPlace(tmp_path / "undisturbed"))
    undisturbed.write()
    return undisturbed.published()


def disturb(monkeypatch: pytest.MonkeyPatch, where: Any, name: str, disturbance: Callable[[], None]) -> None:
    """Lets something happen once, where a function is called for the first time."""
    original, left = getattr(where, name), [disturbance]

    def disturbed(*arguments: Any, **named: Any) -> Any:
        while left:
            left.pop()()
        return original(*arguments, **named)

    monkeypatch.setattr(where, name, disturbed)


@pytest.mark.parametrize(("where", "name"), [step[1:] for step in STEPS], ids=[step[0] for step in STEPS])
def test_another_attempt_may_overtake_it_anywhere(
    attempts: Attempts,
    expected: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    where: Any,
    name: str,
) -> None:
    overtaken = []

    def overtake() -> None:
        attempts.write()
        overtaken.append(True)

    disturb(monkeypatch, where, name, overtake)
    attempts.write()
    assert overtaken
    assert attempts.published() == expected


def test_two_attempts_that_differ_are_not_mixed(
    attempts: Attempts, expected: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one of them an image took too long."""

    def overtake() -> None:
        slow = Quarantine(reason="timeout", detail="it took longer than 1 s", limit_s=1)
        attempts.work.quarantine(attempts.job, 0, 1, slow)
        attempts.write()  # without the image, after the file of the other attempt, and before its result

    disturb(monkeypatch, WorkFolder, "write_result", overtake)
    totals = attempts.write()
    with pytest.raises(
        ConversionError, match=r"not the file that was written as shard 0: .* writes this shard anew"
    ):
        publish(attempts.work, [totals])
    attempts.work.release(attempts.job, 0)  # as the next launch does with a longer limit
    attempts.write()
    assert attempts.published() == expected


def test_other_bytes_of_the_same_size_are_not_published(attempts: Attempts) -> None:
    """A worker of another job that slept may put its shard late."""
    totals = attempts.write()
    place = attempts.work.place_for_shards(attempts.job)
    (shard,) = (each for each in place.files() if each.name.endswith(".tfrecord"))
    place.write(shard.name, bytes(shard.bytes))
    with pytest.raises(ConversionError, match="not the file that was written as shard 0"):
        publish(attempts.work, [totals])


def test_the_same_bytes_written_again_are_fine(attempts: Attempts, expected: dict[str, bytes]) -> None:
    totals = attempts.write()
    attempts.work.forget_result(0)
    attempts.write()
    assert publish(attempts.work, [totals]).status == "published"
    assert attempts.stored() == expected


@pytest.mark.parametrize(("where", "name"), [step[1:] for step in STEPS], ids=[step[0] for step in STEPS])
def test_an_attempt_that_fails_anywhere_is_made_again(
    attempts: Attempts,
    expected: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    where: Any,
    name: str,
) -> None:
    class WorkerLostError(BaseException):
        """The end of a process: nothing handles it."""

    def fail() -> None:
        raise WorkerLostError

    disturb(monkeypatch, where, name, fail)
    with pytest.raises(WorkerLostError):
        attempts.write()
    attempts.write()
    assert attempts.published() == expected
