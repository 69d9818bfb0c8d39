"""Examples of a dataset in a store are read by ranges, and what is not what was stored is said."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from fitfeed import open_dataset
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.reading.far_stored_reader import FarStoredReader
from fitfeed.converters.reading.open_reader import open_reader
from fitfeed.converters.rejects import ImageError
from fitfeed.converters.source_file import SourceFile, StoredAt
from fitfeed.converters.sources.dataset_source import read_dataset
from fitfeed.converters.sources.source_options import SourceOptions
from fitfeed.schemas.errors import ConversionError
from fitfeed.schemas.storage.place import Place
from tests.deep import png
from tests.pipelines.far_place import NETWORK, FarPlace
from tests.schemas.storage.places import memory_place
from tests.without_beam import convert

MOST = 1 << 20


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two shards of four examples."""
    folder = tmp_path_factory.mktemp("stored")
    for number in range(8):
        path = folder / "photos" / ("cat", "dog")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(np.random.default_rng(number).integers(0, 256, (6, 5, 3), np.uint8)))
    convert(folder / "photos", folder / "dataset", {"shards": 2})
    return folder / "dataset"


@pytest.fixture
def place(dataset: Path) -> Place:
    found = memory_place()
    for path in dataset.iterdir():
        found.write(path.name, path.read_bytes())
    return found


@pytest.fixture
def network() -> Iterator[None]:
    NETWORK.reset()
    yield
    NETWORK.reset()


def examples(place: Place) -> Sequence[SourceFile]:
    return read_dataset(place, ConvertOptions(), SourceOptions()).example_table.files


def reason(place: Place, file: SourceFile, most: int = MOST) -> tuple[str, str]:
    with (
        FarStoredReader(place).reading([file], most=most) as read,
        pytest.raises(ImageError) as caught,
    ):
        read(file)
    return caught.value.reason, caught.value.detail


def test_the_bytes_are_those_that_were_stored(dataset: Path, place: Place) -> None:
    files = examples(place)
    records = open_dataset(dataset).records("train")
    stored = {records[number]["key"]: records.encoded(number) for number in range(len(records))}
    reader = open_reader(str(place), stored=True)
    with reader.reading(files, most=MOST) as read:
        assert {file.path: read(file) for file in files} == stored
    local = open_reader(dataset, stored=True)
    of_a_copy = read_dataset(dataset, ConvertOptions(), SourceOptions()).example_table.files
    assert [reader.digest(file) for file in files] == [local.digest(file) for file in of_a_copy]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda place, shard: place.delete(shard), ("vanished", "is missing")),
        (
            lambda place, shard: place.write(shard, b"x" * 5000),
            ("vanished", "was changed after it was listed"),
        ),
        (lambda place, shard: place.write(shard, b"x"), ("vanished", "was changed after it was listed")),
    ],
    ids=["deleted", "replaced", "cut off"],
)
def test_a_shard_that_has_changed(
    place: Place, change: Callable[[Place, str], object], expected: tuple[str, str]
) -> None:
    file = examples(place)[0]
    assert file.stored is not None
    change(place, file.stored.shard)
    found = reason(place, file)
    assert found[0] == expected[0]
    assert expected[1] in found[1]
    assert FarStoredReader(place).digest(file) is None


@pytest.mark.parametrize(
    ("changed", "size", "expected"),
    [
        ({"crc32c": 1}, None, ("corrupt", "the CRC-32C differs")),
        ({"offset": 1 << 30}, None, ("truncated", "ends after 0 of its")),
        ({}, MOST + 1, ("bomb", "more than any image")),
    ],
)
def test_what_a_forged_index_says(
    place: Place, changed: dict[str, int], size: int | None, expected: tuple[str, str]
) -> None:
    file = examples(place)[0]
    stored = StoredAt(**{**file.stored._asdict(), **changed}) if file.stored else None
    found = reason(place, file._replace(stored=stored, bytes=size or file.bytes))
    assert found[0] == expected[0]
    assert expected[1] in found[1]


@pytest.mark.usefixtures("network")
def test_each_shard_is_opened_once_and_each_example_is_one_request(dataset: Path) -> None:
    far = FarPlace(dataset)
    files = examples(far)
    NETWORK.reads.clear()
    reader = FarStoredReader(far)
    with reader.reading(files[:4], most=MOST) as read:
        for file in files[:4]:
            read(file)
    for file in files[4:]:
        reader.digest(file)
    assert sorted(read[2] for read in NETWORK.shard_reads()) == sorted(
        [0, 0, *(file.bytes for file in files)]
    )


@pytest.mark.usefixtures("network")
def test_a_dead_network_rejects_nothing(dataset: Path) -> None:
    far = FarPlace(dataset)
    file = examples(far)[0]
    NETWORK.is_dead = True
    reader = FarStoredReader(far)
    with (
        reader.reading([file], most=MOST) as read,
        pytest.raises(ConversionError, match="run the same command"),
    ):
        read(file)
    with pytest.raises(ConversionError):
        reader.digest(file)


@pytest.mark.usefixtures("network")
def test_one_shard_that_may_not_be_read(dataset: Path) -> None:
    far = FarPlace(dataset)
    file = examples(far)[0]

    def refuse(name: str, offset: int) -> None:
        raise PermissionError(13, "access is denied (403)", name)

    NETWORK.before = refuse
    assert reason(far, file) == (
        "unreadable",
        f"no permission to read its shard {file.stored and file.stored.shard}",
    )
