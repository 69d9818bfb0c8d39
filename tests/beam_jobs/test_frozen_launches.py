"""A launch that is frozen at any moment, taken for dead, and wakes when the next one has published, replaces nothing of it.

All conversions are into a store: in a folder, the lock of a launch ends with its process.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from fitfeed import beam_jobs
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.staging import commit, held
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.staging import Staging
from fitfeed.converters.verify import verify_dataset
from fitfeed.schemas.errors import OvertakenError
from fitfeed.schemas.manifest import MANIFEST_NAME, read_manifest
from fitfeed.schemas.side_tables import SIDE_TABLES
from fitfeed.schemas.storage import claim
from fitfeed.schemas.storage.place import Place
from tests.beam_jobs.draw import draw
from tests.beam_jobs.test_datasets_in_stores import OPTIONS, stored
from tests.schemas.storage.places import memory_place
from tests.without_beam import convert, without_beam

pytestmark = pytest.mark.usefixtures("dead_at_once")

OTHER = ConvertOptions(shards=2, size=(3, 3))
"""Another job, whose files have the same names."""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return draw(tmp_path / "photos", range(6))


@pytest.fixture
def place() -> Place:
    return memory_place()


def once_before(
    monkeypatch: pytest.MonkeyPatch, target: object, name: str, happen: Callable[[], object]
) -> None:
    """Lets something happen when a function is called the first time."""
    function = getattr(target, name)

    def late(*arguments: Any, **named: Any) -> Any:
        monkeypatch.setattr(target, name, function)
        happen()
        return function(*arguments, **named)

    monkeypatch.setattr(target, name, late)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("union", "to_json_lines"),
        ("split_index", "write_index"),
        ("split_index", "file_entry"),
        ("pair_table", "duplicates_schema"),
        ("publish", "copy_sources"),
    ],
)
def test_it_puts_no_file_beside_the_shards_of_the_next(
    photos: Path, place: Place, monkeypatch: pytest.MonkeyPatch, module: str, name: str
) -> None:
    """It asks whether it still may when the file is built, which may take minutes."""
    target = __import__(f"fitfeed.converters.publishing.{module}", fromlist=[name])
    published: list[dict[str, bytes]] = []

    def publish_another() -> None:
        convert(photos, str(place), OTHER)
        published.append(everything(place))

    once_before(monkeypatch, target, name, publish_another)
    with pytest.raises(OvertakenError, match="another launch has begun"):
        convert(photos, str(place), OPTIONS)
    assert everything(place) == published[0]
    assert read_manifest(str(place)).options["size"] == [3, 3]
    assert verify_dataset(str(place)).ok


def test_it_puts_no_file_beside_a_manifest_that_it_does_not_know(
    photos: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, bytes]] = []

    def put_manifest() -> None:
        place.write(MANIFEST_NAME, b"another one")
        seen.append(beside_work(place))

    once_before(monkeypatch, Staging, "review", put_manifest)
    with pytest.raises(OvertakenError, match="another launch has published"):
        convert(photos, str(place), OPTIONS)
    assert beside_work(place) == seen[0]


@pytest.mark.parametrize("name", ["prepare", "_begin_launch", "_remove_all_but"])
def test_it_prepares_nothing_beside_the_dataset_of_the_next(
    photos: Path, place: Place, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A claim that was not written anew for so long is known to be dead, without a request."""
    function, published = getattr(Staging, name), list[dict[str, bytes]]()

    def late(self: Staging, *arguments: Any, **named: Any) -> Any:
        monkeypatch.setattr(Staging, name, function)
        convert(photos, str(place), OTHER)
        published.append(beside_work(place))
        self.claim._lost = True  # type: ignore[union-attr]
        return function(self, *arguments, **named)

    monkeypatch.setattr(Staging, name, late)
    with pytest.raises(OvertakenError):
        convert(photos, str(place), OPTIONS)
    assert beside_work(place) == published[0]
    assert verify_dataset(str(place)).ok
    convert(photos, str(place), OTHER)
    assert everything(place).keys() == published[0].keys() | set(SIDE_TABLES)


def test_what_it_prepares_when_the_next_has_looked_already_is_found(
    photos: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    ```
    first   claim  look  frozen .............. prepare ............... its shards
    next                        claim  look ........... prepare .................... its shards
    ```
    """
    monkeypatch.setattr(claim, "POLL_S", 0.01)
    prepare, sweep = Staging.prepare, Staging._sweep_side_files
    frozen, looked, prepared, stopped, ended = (threading.Event() for _ in range(5))
    errors: list[BaseException] = []

    def is_first() -> bool:
        return threading.current_thread().name == "first"

    def slow_sweep(self: Staging) -> None:
        if is_first():
            frozen.set()
            assert looked.wait(60)
        sweep(self)

    def slow_prepare(self: Staging, *arguments: Any, **named: Any) -> WorkFolder:
        if not is_first():
            looked.set()
            assert prepared.wait(60)
        work = prepare(self, *arguments, **named)
        (prepared if is_first() else stopped).set()
        assert (stopped if is_first() else ended).wait(60)
        return work

    def first() -> None:
        try:
            beam_jobs.convert(photos, str(place), OPTIONS)
        except OvertakenError as error:
            errors.append(error)
        finally:
            ended.set()

    monkeypatch.setattr(Staging, "_sweep_side_files", slow_sweep)
    monkeypatch.setattr(Staging, "prepare", slow_prepare)
    with without_beam():
        thread = threading.Thread(target=first, name="first")
        thread.start()
        assert frozen.wait(60)
        beam_jobs.convert(photos, str(place), OTHER)
        thread.join(60)
    assert len(errors) == 1
    assert read_manifest(str(place)).options["size"] == [3, 3]
    assert verify_dataset(str(place)).ok


@pytest.mark.parametrize("way", ["new", "leftovers", "overwrite"])
@pytest.mark.parametrize(
    ("module", "name"), [(held, "staged_files"), (commit, "_remove_leftovers"), (commit, "_move_into")]
)
def test_its_worker_puts_a_shard_while_the_next_publishes(
    photos: Path, place: Place, monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, way: str
) -> None:
    """All files are listed once more when nothing has to be done but to put the manifest."""
    if way == "overwrite":
        convert(photos, str(place), OTHER)
    elif way == "leftovers":
        place.write("val.index.arrow", b"of another job")
        place.write(".work/another/job.json", b"{}")
    shard, function = "train-00000-of-00002.tfrecord", getattr(module, name)

    def slow(*arguments: Any, **named: Any) -> Any:
        done = function(*arguments, **named)
        monkeypatch.setattr(module, name, function)
        if shard in {found.name for found in place.files()}:
            place.write(shard, bytes(place.find(shard).bytes))
        return done

    monkeypatch.setattr(module, name, slow)
    if name == "staged_files" and way == "overwrite":  # it is moved into place afterwards
        convert(photos, str(place), OPTIONS, overwrite=True)
    else:
        with pytest.raises(OvertakenError):
            convert(photos, str(place), OPTIONS, overwrite=way == "overwrite")
        assert MANIFEST_NAME not in stored(place)
        convert(photos, str(place), OPTIONS)
    assert verify_dataset(str(place)).ok


def everything(place: Place) -> dict[str, bytes]:
    """All files below a place."""
    return {found.name: place.read(found.name, at_most=found.bytes)[0] for found in place.files(deep=True)}


def beside_work(place: Place) -> dict[str, bytes]:
    """All files of a dataset that are not in its staging area."""
    return {name: data for name, data in stored(place).items() if not name.startswith(".work/")}
