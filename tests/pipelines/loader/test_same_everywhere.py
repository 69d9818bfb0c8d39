"""One digest of two epochs, with augmentation, an interruption and two shards, for each way to get batches."""

import hashlib

import pytest

from fitfeed.pipelines import Dataset, make_loader
from tests.lanes.ways import AUGMENTED, GIVEN, WAYS, add_to, digest_of, installed, uninterrupted

BATCH_SIZE = 5


@pytest.fixture(scope="module")
def expected(flowers: Dataset) -> dict[str, str]:
    return {name: uninterrupted(flowers, name, batch_size=BATCH_SIZE) for name in AUGMENTED}


@pytest.mark.parametrize("name", AUGMENTED)
@pytest.mark.parametrize("way", WAYS)
def test_two_epochs_have_one_digest(flowers: Dataset, expected: dict[str, str], way: str, name: str) -> None:
    if way not in installed():
        pytest.skip(f"{way} is not installed")
    assert digest_of(way, flowers, name, batch_size=BATCH_SIZE) == expected[name]


def test_the_digest_tells_epochs_and_shards_apart(flowers: Dataset, expected: dict[str, str]) -> None:
    options = {**GIVEN, **AUGMENTED["warped"], "batch_size": BATCH_SIZE}
    found = []
    for epoch, shard in ((0, (0, 2)), (1, (0, 2)), (0, (1, 2))):
        made = hashlib.sha256()
        add_to(made, make_loader(flowers, "train", shard=shard, start=(epoch, 0), **options))
        found.append(made.hexdigest())
    assert len({*found, *expected.values()}) == 5
