"""Operations of users: conversions, verification and training, with one side in a store."""

import atexit
import functools
import hashlib
import tempfile
from pathlib import Path

import numpy as np

from fitfeed.converters.verify import verify_dataset
from fitfeed.pipelines import open_dataset
from fitfeed.schemas.errors import FitfeedError
from fitfeed.schemas.storage.place import Place
from tests.beam_jobs.test_sources_in_stores import content
from tests.deep import png
from tests.pipelines.feed.test_far_datasets import batches
from tests.soak.operation import Operation
from tests.without_beam import convert

IMAGES = 24
ERRORS = (OSError, FitfeedError)
BESIDE = ("dataset/.work", "dataset/sources.arrow")
"""What is no part of a dataset. Times of files that were written a moment ago are not trusted, and so not recorded."""


@functools.cache
def scratch() -> Path:
    """A folder of this process."""
    folder = tempfile.TemporaryDirectory(prefix="fitfeed-soak-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


@functools.cache
def photos() -> Path:
    """Images in two classes, on this machine."""
    folder = scratch() / "photos"
    for number in range(IMAGES):
        path = folder / ("cat", "dog")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(np.random.default_rng(number).integers(0, 256, (24, 24, 3), np.uint8)))
    return folder


@functools.cache
def dataset() -> Path:
    """The same as a dataset, on this machine."""
    folder = scratch() / "dataset"
    convert(photos(), folder, {"shards": 2})
    return folder


def put_photos(place: Place) -> None:
    for path in photos().rglob("*.png"):
        place.write(f"photos/{path.relative_to(photos()).as_posix()}", path.read_bytes())


def put_dataset(place: Place) -> None:
    for path in dataset().iterdir():
        if path.is_file():
            place.write(f"dataset/{path.name}", path.read_bytes())


def convert_from_store(place: Place) -> object:
    with tempfile.TemporaryDirectory(dir=scratch()) as folder:
        converted = Path(folder) / "dataset"
        convert(str(place.below("photos")), converted, {"shards": 2})
        return {
            name: part if name == "manifest" else hashlib.sha256(part).hexdigest()
            for name, part in content(converted).items()
        }


def convert_to_store(place: Place) -> None:
    convert(photos(), str(place.below("dataset")), {"shards": 2})


def verify(place: Place) -> object:
    report = verify_dataset(str(place.below("dataset")))
    if report.findings:
        raise OSError(str(report.findings))
    return report.examples


def train(place: Place, *, access: str = "indexed", cache: Path | None = None) -> object:
    digest = hashlib.sha256()
    for batch in batches(open_dataset(str(place.below("dataset")), cache=cache), access=access):
        for name, array in sorted(batch.items()):
            content = repr(array.tolist()).encode() if array.dtype == object else array.tobytes()
            digest.update(name.encode() + content)
    return digest.hexdigest()


def stream(place: Place) -> object:
    return train(place, access="stream")


def train_cached(place: Place) -> object:
    cache = scratch() / hashlib.sha256(str(place).encode()).hexdigest()
    return [train(place, cache=cache) for _ in range(2)]


DATASET_OPERATIONS = (
    Operation("convert from", put_photos, convert_from_store, rate=0.3, errors=ERRORS),
    Operation(
        "convert to",
        lambda _: None,
        convert_to_store,
        rate=0.3,
        errors=ERRORS,
        ignore=BESIDE,
    ),
    Operation("verify", put_dataset, verify, rate=0.3, errors=ERRORS),
    Operation("train", put_dataset, train, rate=0.3, errors=ERRORS),
    Operation("train, stream", put_dataset, stream, rate=0.3, errors=ERRORS),
    Operation("train, cached", put_dataset, train_cached, rate=0.3, errors=ERRORS),
)
