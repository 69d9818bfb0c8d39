"""Datasets are written to real servers of object stores, also when much goes wrong on the way."""

import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from fitfeed import beam_jobs
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.verify import verify_dataset
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.processes.guarded_calls import GuardedCalls
from fitfeed.schemas.storage import clients
from fitfeed.schemas.storage.open_place import open_place
from tests.beam_jobs.draw import draw
from tests.beam_jobs.test_datasets_in_stores import OPTIONS, stored
from tests.beam_jobs.test_sources_over_network import FAST
from tests.folders import contents
from tests.servers.network_faults import FAULTS, Rule, Rules, Seeded
from tests.servers.proxy import Logged, no_fault
from tests.servers.stores import EVERY_KIND, Store
from tests.warm_commands import WarmCommands
from tests.without_beam import convert


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return draw(tmp_path / "photos", range(6))


@pytest.mark.parametrize("store", EVERY_KIND, indirect=True)
def test_the_same_dataset(photos: Path, tmp_path: Path, store: Store) -> None:
    for target in (f"{store.address}/flowers", str(tmp_path / "local")):
        convert(photos, target, OPTIONS)
        draw(photos, range(6, 9))
        assert convert(photos, target, append=True).added == {"train": 3}
        convert(photos, target, ConvertOptions(shards=1, size=(3, 3)), overwrite=True)
        draw(photos, range(6, 6))
        for number in range(6, 9):
            (photos / ("cat", "dog")[number % 2] / f"{number}.png").unlink()
    place = open_place(f"{store.address}/flowers", "DATASET")
    assert stored(place) == contents(tmp_path / "local")
    assert verify_dataset(place).ok


def asked(log: list[Logged], name: str) -> list[str]:
    """The methods of the requests for an object."""
    return [each.asked.method for each in log if unquote(each.asked.path).endswith(name)]


def test_little_is_asked_twice(photos: Path, store: Store) -> None:
    """What is new is not looked for, and of a dataset that is complete the manifest is read once."""
    address = f"{store.address}/flowers"
    with store.proxy.faults(no_fault) as log:
        convert(photos, address, OPTIONS)
    plans = [each.asked.method for each in log if "/plans/" in unquote(each.asked.path)]
    assert plans.count("GET") == 2  # each shard reads its own
    with store.proxy.faults(no_fault) as log:
        assert convert(photos, address, OPTIONS).up_to_date
    assert asked(log, "/manifest.json") == ["GET"]


def test_how_much_is_asked(photos: Path, store: Store) -> None:
    """Whatever its size, and for each shard: what the last listing compares is not looked at again, and most is asked at once."""
    counts = {}
    for shards in (1, 4):
        with store.proxy.faults(no_fault) as log:
            convert(photos, f"{store.address}/{shards}", ConvertOptions(shards=shards))
        counts[shards] = len(log)
        assert asked(log, "of-00001.tfrecord") == ["PUT"] * (shards == 1)
        assert asked(log, "/manifest.json")[:3] == ["GET", "GET", "GET"]
    assert counts == {1: 66, 4: 66 + 3 * 10}


def test_what_is_given_its_final_name_is_copied_by_the_store(photos: Path, store: Store) -> None:
    address = f"{store.address}/flowers"
    convert(photos, address, OPTIONS)
    draw(photos, range(6, 9))
    with store.proxy.faults(no_fault) as log:
        convert(photos, address, append=True)
    assert "GET" not in asked(log, "/train.append.index.arrow")
    assert asked(log, "/flowers/.work/train.index.arrow") == []


@pytest.mark.slow
def test_hdf5_is_verified_by_address(photos: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    # The process that tests share began without the credentials of this store.
    monkeypatch.setattr("fitfeed.converters.verify.dataset.GuardedCalls", GuardedCalls)
    address = f"{store.address}/flowers"
    options = ConvertOptions(shards=2, format="hdf5")
    beam_jobs.convert(photos, address, options)  # in processes, as the check is
    with store.proxy.faults(no_fault) as log:
        assert verify_dataset(address).ok
    assert asked(log, "/manifest.json") == ["GET"]
    assert asked(log, "/train.index.arrow") == ["HEAD", "GET"]
    place = open_place(address, "DATASET")
    name = next(iter(place.area().names(["*.h5"])))
    data, _ = place.read(name, at_most=1 << 20)
    place.write(name, data[:-1] + bytes([data[-1] ^ 1]))
    assert {finding.file for finding in verify_dataset(address).findings} == {name}


@pytest.mark.slow
@pytest.mark.parametrize("store", ["gs", "s3"], indirect=True)
@pytest.mark.parametrize("seed", range(4))
def test_faults_change_nothing(
    photos: Path, tmp_path: Path, store: Store, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "RETRIES", FAST)
    place = open_place(f"{store.address}/flowers", "DATASET")
    convert(photos, tmp_path / "local", OPTIONS)
    faults = [fault for fault in FAULTS if fault not in ("stalled", "slow", "403", "shortened", "lengthened")]
    with store.proxy.faults(Seeded(seed, 0.3, faults)) as log:
        convert(photos, str(place), OPTIONS)
        report = verify_dataset(place)
    assert sum(logged.fault is not None for logged in log) >= 10
    assert report.ok
    assert stored(place) == contents(tmp_path / "local")


@pytest.mark.slow
@pytest.mark.usefixtures("dead_at_once")
@pytest.mark.parametrize("store", ["gs"], indirect=True)
@pytest.mark.parametrize("after", [1, 8, 15, 25, 35, 45])
def test_a_killed_process_leaves_what_the_next_continues(
    commands: WarmCommands, photos: Path, tmp_path: Path, store: Store, after: int
) -> None:
    """`kill -9` after so many requests."""
    place = open_place(f"{store.address}/flowers", "DATASET")
    convert(photos, tmp_path / "local", OPTIONS)
    with store.proxy.faults(Rules()) as log:
        process = commands.start("convert", photos, place, "--shards", 2, "--workers", 2, "--quiet")
        while len(log) < after and process.is_running():
            time.sleep(0.002)
        process.kill(group=False)
        process.wait()
    convert(photos, str(place), OPTIONS)
    found = {name: data for name, data in stored(place).items() if not name.startswith(".work/")}
    assert found == contents(tmp_path / "local")


@pytest.mark.parametrize("store", ["s3"], indirect=True)
def test_what_the_store_refuses_is_said_in_one_line(
    photos: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "RETRIES", FAST)
    address = f"{store.address}/flowers"
    refused: dict[str, Any] = {"method": "PUT", "path": "*flowers*", "times": None}
    with (
        store.proxy.faults(Rules(Rule(fault="403", **refused))),
        pytest.raises(
            UsageError, match=f"cannot write to DATASET {address}: access is denied.*s3:PutObject"
        ) as caught,
    ):
        convert(photos, address, OPTIONS)
    assert len(caught.value.args) == 1
    with pytest.raises(
        UsageError,
        match="cannot look at DATASET s3://no-such-bucket-here/flowers: there is no bucket of this name",
    ):
        convert(photos, "s3://no-such-bucket-here/flowers", OPTIONS)
