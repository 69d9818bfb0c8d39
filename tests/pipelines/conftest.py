"""Small datasets of generated pictures: no files are needed, and every pixel is known."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fitfeed.pipelines import Dataset, open_dataset
from tests.pipelines.build_dataset import Example, Format, build_dataset, jpeg_example, raw_example
from tests.pipelines.far_place import NETWORK


@pytest.fixture(autouse=True)
def quiet_network() -> Iterator[None]:
    """What a test does to the network of far places ends with it."""
    yield
    NETWORK.reset()


@pytest.fixture(scope="session")
def examples() -> dict[str, list[Example]]:
    """53 encoded examples of many sizes for training and 11 for validation."""
    return {
        "train": [jpeg_example(i) for i in range(53)],
        "validation": [jpeg_example(i) for i in range(100, 111)],
    }


@pytest.fixture(scope="session")
def raw_examples() -> dict[str, list[Example]]:
    """The same numbers of raw examples of one size."""
    return {
        "train": [raw_example(i) for i in range(53)],
        "validation": [raw_example(i) for i in range(100, 111)],
    }


@pytest.fixture(scope="session")
def encoded_datasets(
    tmp_path_factory: pytest.TempPathFactory, examples: dict[str, list[Example]]
) -> dict[Format, Dataset]:
    """The encoded examples in both formats."""
    root = tmp_path_factory.mktemp("encoded")
    formats: tuple[Format, ...] = ("tfrecord", "hdf5")
    return {
        name: open_dataset(build_dataset(root / name, examples, format=name, shards=3)) for name in formats
    }


@pytest.fixture(scope="session")
def raw_datasets(
    tmp_path_factory: pytest.TempPathFactory, raw_examples: dict[str, list[Example]]
) -> dict[Format, Dataset]:
    """The raw examples in both formats."""
    root = tmp_path_factory.mktemp("raw")
    formats: tuple[Format, ...] = ("tfrecord", "hdf5")
    return {
        name: open_dataset(build_dataset(root / name, raw_examples, format=name, shards=3, is_raw=True))
        for name in formats
    }


@pytest.fixture(scope="session")
def flowers(encoded_datasets: dict[Format, Dataset]) -> Dataset:
    """Encoded images of many sizes."""
    return encoded_datasets["tfrecord"]


@pytest.fixture(scope="session")
def thumbnails(raw_datasets: dict[Format, Dataset]) -> Dataset:
    """Raw images of one size."""
    return raw_datasets["tfrecord"]


@pytest.fixture
def own_copy(tmp_path: Path, examples: dict[str, list[Example]]) -> Callable[[Format], Path]:
    """Makes a dataset that a test may damage."""
    return lambda format_: build_dataset(tmp_path / format_, examples, format=format_)


@pytest.fixture(scope="session")
def rare(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """18 encoded examples of class 0 and two of class 1."""
    examples = [dataclasses.replace(jpeg_example(i), label=int(i >= 18)) for i in range(20)]
    return open_dataset(build_dataset(tmp_path_factory.mktemp("rare") / "rare", {"train": examples}))
