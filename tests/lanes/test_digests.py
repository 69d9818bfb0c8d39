"""Conversions and epochs that no version and no processor may change, by the digests that all lanes have."""

import hashlib
from pathlib import Path

import pytest

from tests.lanes.batches import feed
from tests.lanes.conversions import CONVERSIONS, convert_all, digests_of
from tests.lanes.digests import BATCHES, FILES


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return convert_all(tmp_path_factory.mktemp("lanes"), FILES)


@pytest.mark.parametrize("name", FILES)
def test_conversions_write_these_bytes(name: str, datasets: dict[str, Path]) -> None:
    found = digests_of(datasets[name])
    assert {file: found.get(file) for file in FILES[name]} == FILES[name]


@pytest.mark.parametrize("name", BATCHES)
def test_epochs_have_these_bits(name: str, datasets: dict[str, Path]) -> None:
    found = {
        part: hashlib.sha256(f"{array.dtype} {array.shape}".encode() + array.tobytes()).hexdigest()
        for part, array in feed(datasets, name).items()
    }
    assert found == BATCHES[name]


def test_digests_are_of_what_lanes_do() -> None:
    assert FILES.keys() <= CONVERSIONS.keys()
