"""Datasets that several tests read: the project's own photographs, converted once per session."""

from pathlib import Path

import pytest

from beam_jobs import convert
from converters.options import ConvertOptions

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def clothing() -> Path:
    """Real photographs, 10 classes in train, validation and test folders."""
    return ROOT / "examples" / "clothing"


@pytest.fixture(scope="session")
def nasty() -> Path:
    """Hostile files; `expected.csv` beside them says what each must become."""
    return ROOT / "tests" / "data" / "nasty"


def _converted(source: Path, folder: Path, options: ConvertOptions) -> Path:
    convert(source, folder, options)
    return folder


@pytest.fixture(scope="session")
def dataset_tfrecord(clothing: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Original JPEG bytes in TFRecord shards."""
    folder = tmp_path_factory.mktemp("datasets") / "tfrecord"
    return _converted(clothing, folder, ConvertOptions())


@pytest.fixture(scope="session")
def dataset_hdf5(clothing: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Original JPEG bytes in HDF5 shards."""
    folder = tmp_path_factory.mktemp("datasets") / "hdf5"
    return _converted(clothing, folder, ConvertOptions(format="hdf5"))


@pytest.fixture(scope="session")
def dataset_raw_tfrecord(clothing: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Raw 64 x 64 pixels in TFRecord shards."""
    folder = tmp_path_factory.mktemp("datasets") / "raw_tfrecord"
    return _converted(clothing, folder, ConvertOptions(encoding="raw", size=(64, 64)))


@pytest.fixture(scope="session")
def dataset_raw_hdf5(clothing: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Raw 64 x 64 pixels in HDF5 shards."""
    folder = tmp_path_factory.mktemp("datasets") / "raw_hdf5"
    return _converted(clothing, folder, ConvertOptions(format="hdf5", encoding="raw", size=(64, 64)))
