"""Files that crash the libraries which read them: the caller lives, and calls them damaged."""

import os
from collections.abc import Iterator
from pathlib import Path

import h5py
import pytest

from fitfeed.converters.inspect.detect import inspect_file, inspect_with
from fitfeed.schemas.errors import DamagedDatasetError, FitfeedError
from fitfeed.schemas.processes import guarded_calls
from fitfeed.schemas.processes.guarded_calls import GuardedCalls, timeout_for
from tests.converters.inspect.foreign import CONTAINERS
from tests.fuzz.mutate import mutated


@pytest.fixture(scope="module")
def calls() -> Iterator[GuardedCalls]:
    with GuardedCalls() as one:
        yield one


@pytest.fixture(scope="module")
def links(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An HDF5 file whose links are in a fractal heap."""
    path = tmp_path_factory.mktemp("links") / "links.h5"
    with h5py.File(path, "w", libver="latest") as file:
        for number in range(40):
            file.create_dataset(f"n{number:03d}", data=number)
    return path.read_bytes()


@pytest.mark.parametrize("place", [0, 12, 39])
def test_one_byte_that_corrupts_the_heap_of_the_library(
    calls: GuardedCalls, links: bytes, place: int, tmp_path: Path
) -> None:
    """HDF5 1.14 dies of SIGSEGV or SIGABRT over it; a later version may report it."""
    data = bytearray(links)
    at = data.find(b"\x01\0\x04n%03d" % place)
    assert at >= 0
    data[at + 3] = 0xFF
    path = tmp_path / "x.h5"
    path.write_bytes(data)
    with pytest.raises(
        DamagedDatasetError, match=r"x\.h5 (cannot be read as HDF5: .* SIG[A-Z]+\.|is damaged)"
    ):
        inspect_with(calls, path)
    assert len(inspect_with(calls, CONTAINERS / "good.h5").features) > 0


@pytest.mark.parametrize("count", [60, pytest.param(4000, marks=pytest.mark.slow)])
def test_any_damage_has_a_verdict(calls: GuardedCalls, links: bytes, count: int, tmp_path: Path) -> None:
    corpus = [links, (CONTAINERS / "good.h5").read_bytes()]
    path = tmp_path / "x.h5"
    verdicts = set()
    for number in range(count):
        path.write_bytes(mutated(corpus, seed=14, number=number))
        try:
            inspect_with(calls, path)
        except FitfeedError as error:
            verdicts.add(type(error).__name__)
        else:
            verdicts.add("read")
    assert verdicts <= {"read", "DamagedDatasetError", "UsageError"}
    assert {"read", "DamagedDatasetError"} <= verdicts


@pytest.mark.parametrize(("name", "kind"), [("good.h5", "HDF5"), ("good.tfrecord", "TFRecord")])
def test_a_file_that_takes_too_long(name: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded_calls, "MIN_TIMEOUT_S", 0.0)
    monkeypatch.setattr("fitfeed.converters.inspect.detect.GuardedCalls", GuardedCalls)  # which starts first
    with pytest.raises(
        DamagedDatasetError, match=rf"{name} cannot be read as {kind}: .* takes longer than 0 s"
    ):
        inspect_file(CONTAINERS / name)


def test_large_files_may_take_longer() -> None:
    assert timeout_for(1000) == pytest.approx(120, abs=1)
    assert timeout_for(1 << 40) > 2 * 86_400 * 1.0 > timeout_for(1 << 38)


def plugins() -> str:
    return os.environ["HDF5_PLUGIN_PRELOAD"]


@pytest.mark.slow
def test_no_library_is_loaded_as_a_filter(calls: GuardedCalls) -> None:
    calls.begin(plugins)
    assert calls.result(600) == "::"
