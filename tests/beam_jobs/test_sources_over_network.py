"""Images are read from real servers of object stores, also when much goes wrong on the way."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fitfeed import beam_jobs
from fitfeed.schemas.errors import RemoteError, TooManyRejectsError
from fitfeed.schemas.storage import clients
from fitfeed.schemas.storage.open_place import open_place
from fitfeed.schemas.storage.place import Place
from tests.beam_jobs.test_sources_in_stores import content, fill
from tests.servers.network_faults import FAULTS, Asked, Fault, Rule, Rules, Seeded
from tests.servers.stores import KINDS, PROGRAMS, Store
from tests.without_beam import convert

# Programs start in seconds.
SERVERS = [pytest.param(kind, marks=pytest.mark.slow if kind in PROGRAMS else ()) for kind in KINDS]

FAST = {
    "max_retries": 5,
    "retry_timeout": timedelta(seconds=20),
    "backoff": {
        "init_backoff": timedelta(milliseconds=5),
        "max_backoff": timedelta(milliseconds=20),
        "base": 2,
    },
}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return fill(tmp_path / "flowers")


def upload(photos: Path, store: Store) -> Place:
    place = open_place(f"{store.address}/flowers", "SOURCE")
    for path in photos.rglob("*"):
        if path.is_file():
            place.write(path.relative_to(photos).as_posix(), path.read_bytes())
    return place


@pytest.mark.parametrize("store", SERVERS, indirect=True)
def test_the_same_dataset(photos: Path, tmp_path: Path, store: Store) -> None:
    place = upload(photos, store)
    convert(photos, tmp_path / "local")
    convert(str(place), tmp_path / "far")
    assert content(tmp_path / "far") == content(tmp_path / "local")
    with store.proxy.faults(Rules()) as log:
        assert convert(str(place), tmp_path / "far").up_to_date
    assert [
        logged.asked for logged in log if logged.asked.method == "GET" and "prefix=" not in logged.asked.query
    ] == []


@pytest.mark.slow
@pytest.mark.parametrize("store", ["s3"], indirect=True)
@pytest.mark.parametrize("seed", range(4))
def test_faults_change_nothing(
    photos: Path, tmp_path: Path, store: Store, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "RETRIES", FAST)
    place = upload(photos, store)
    convert(photos, tmp_path / "local")
    # A stalled answer takes half a minute to be given up. `403` is an answer, and is not asked again.
    faults = [fault for fault in FAULTS if fault not in ("stalled", "slow", "403", "shortened", "lengthened")]
    seeded = Seeded(seed, 0.5, faults)

    def schedule(asked: Asked) -> Fault | None:
        """Listings are whole: that they go on where they were cut off is tested with the store."""
        return None if "prefix=" in asked.query else seeded(asked)

    with store.proxy.faults(schedule) as log:
        convert(str(place), tmp_path / "far")
    assert sum(logged.fault is not None for logged in log) >= 3
    assert content(tmp_path / "far") == content(tmp_path / "local")


@pytest.mark.parametrize("store", ["s3"], indirect=True)
def test_a_network_that_is_down_rejects_nothing(
    photos: Path, tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "RETRIES", FAST)
    place = upload(photos, store)
    down = Rule(fault="reset", method="GET", path="*.png", times=None)
    with (
        store.proxy.faults(Rules(down)),
        pytest.raises(RemoteError, match=rf"cannot read {store.address}/flowers/.*\.png: .* 6 times"),
    ):
        convert(str(place), tmp_path / "far", max_bad=1.0)
    assert convert(str(place), tmp_path / "far").manifest.rejects == {}


@pytest.mark.parametrize("store", ["s3"], indirect=True)
def test_one_image_that_is_denied_is_rejected_and_tried_again(
    photos: Path, tmp_path: Path, store: Store
) -> None:
    place = upload(photos, store)
    denied = Rule(fault="403", method="GET", path="*/cat/0.png", times=None)
    with (
        store.proxy.faults(Rules(denied)),
        pytest.raises(TooManyRejectsError, match=r"cat/0\.png.*unreadable|unreadable.*cat/0\.png"),
    ):
        convert(str(place), tmp_path / "far")
    assert convert(str(place), tmp_path / "far").manifest.rejects == {}


@pytest.mark.slow
@pytest.mark.parametrize("store", ["s3"], indirect=True)
def test_worker_processes_read_though_this_one_has_read(photos: Path, tmp_path: Path, store: Store) -> None:
    place = upload(photos, store)
    options: dict[str, Any] = {"shards": 4}
    convert(photos, tmp_path / "local", options)
    beam_jobs.convert(str(place), tmp_path / "far", options, workers=2)
    assert content(tmp_path / "far") == content(tmp_path / "local")
