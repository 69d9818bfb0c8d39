"""A source that grows, and a dataset made from what was there first; an engine whose jobs are stopped at will."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.staging import sign_of_life
from fitfeed.schemas.storage import claim
from fitfeed.schemas.storage.place import Place
from tests.beam_jobs.draw import draw
from tests.beam_jobs.growing import SMALL
from tests.beam_jobs.launches import OPTIONS, OTHER
from tests.beam_jobs.stepped_engine import SteppedEngine
from tests.folders import contents
from tests.schemas.storage.places import KINDS, PLACES
from tests.without_beam import convert


@pytest.fixture
def photos(clothing: Path, tmp_path: Path) -> Path:
    """Two splits and three classes, six images of each."""
    for split in ("train", "validation"):
        for name in ("dress", "hat", "pants"):
            folder = tmp_path / "photos" / split / name
            folder.mkdir(parents=True)
            for path in sorted((clothing / "train" / name).iterdir())[
                slice(6) if split == "train" else slice(6, 10)
            ]:
                shutil.copyfile(path, folder / path.name)
    return tmp_path / "photos"


@pytest.fixture
def later(photos: Path, tmp_path: Path) -> Path:
    """Some of them, taken out: they come later."""
    folder = tmp_path / "later"
    for path in [*sorted(photos.glob("train/*/*"))[::3], *sorted(photos.glob("validation/hat/*"))[:2]]:
        target = folder / path.relative_to(photos)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
    return folder


@pytest.fixture
def small_dataset(photos: Path, later: Path, tmp_path: Path) -> Path:
    convert(photos, tmp_path / "dataset", ConvertOptions(**SMALL))
    return tmp_path / "dataset"


@pytest.fixture(scope="session")
def six_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny pictures in two classes."""
    return draw(tmp_path_factory.mktemp("overlapping") / "photos", range(6))


@pytest.fixture(scope="session")
def single_runs(six_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    """What a single local run of each of both commands gives."""
    top = tmp_path_factory.mktemp("expected")
    convert(six_photos, top / "one", OPTIONS)
    convert(six_photos, top / "other", OTHER)
    return {name: contents(top / name) for name in ("one", "other")}


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[SteppedEngine]:
    """An engine whose jobs stop where a test wants; all its times are short."""
    monkeypatch.setattr(sign_of_life, "RENEW_S", 0.01)
    monkeypatch.setattr(sign_of_life, "LOOK_S", 0.005)
    monkeypatch.setattr(sign_of_life, "FIRST_SIGN_S", 20.0)
    monkeypatch.setattr("fitfeed.beam_jobs.follow.REPORT_INTERVAL_S", 0.01)
    found = SteppedEngine(monkeypatch)
    yield found
    for job in found.jobs:
        job.end()


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Where there is nothing yet: a folder, and a store."""
    return KINDS[request.param](tmp_path)


@pytest.fixture
def dead_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each claim that is found is an hour old."""
    monkeypatch.setattr(claim._Holder, "_age", lambda *_: 3600.0)
