"""Each golden dataset reads to the same digests for ever, whatever reads it, and each version has some."""

import hashlib
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fitfeed.converters.verify import verify_dataset
from fitfeed.pipelines import Dataset, make_loader, open_dataset
from fitfeed.schemas.manifest import FORMAT_VERSION
from tests.golden.digests import DIGESTS

FOLDER = Path(__file__).parent
GOLDEN = sorted(path.name for path in FOLDER.glob(f"version-{FORMAT_VERSION}-*") if path.is_dir())


def digest_of(dataset: Dataset) -> str:
    """SHA-256 of all examples in their order: pixels, masks, labels and keys, and what type each has."""
    digest = hashlib.sha256()
    for split in dataset.splits:
        records = dataset.records(split)
        digest.update(split.encode())
        for number in range(len(records)):
            for name, value in records[number].items():
                array = np.asarray(value)
                content = array.tobytes() if array.dtype.kind != "U" else str(value).encode()
                digest.update(f"{name} {array.dtype.kind} {array.shape} ".encode() + content)
    return digest.hexdigest()


def test_every_version_has_golden_datasets() -> None:
    versions = {
        int(match[1]) for path in FOLDER.iterdir() if (match := re.match(r"version-(\d+)-", path.name))
    }
    assert versions == set(range(1, FORMAT_VERSION + 1))  # test_version_1.py: how the first one is refused
    assert DIGESTS.keys() == set(GOLDEN)
    assert len(GOLDEN) >= 6


@pytest.mark.parametrize("name", GOLDEN)
def test_it_reads_to_the_same_digests(name: str) -> None:
    dataset = open_dataset(FOLDER / name)
    assert (dataset.manifest.fingerprint, digest_of(dataset)) == DIGESTS[name]
    assert verify_dataset(FOLDER / name).ok


@pytest.mark.parametrize("name", GOLDEN)
def test_the_manifest_on_disk_is_of_this_version(name: str) -> None:
    assert json.loads((FOLDER / name / "manifest.json").read_text())["format_version"] == FORMAT_VERSION


def test_both_containers_hold_the_same_examples() -> None:
    for kind in ("16-bits", "keep", "labels"):
        (one, other) = (DIGESTS[f"version-2-{kind}-{format_}"][1] for format_ in ("tfrecord", "hdf5"))
        assert one == other


@pytest.mark.parametrize("name", [name for name in GOLDEN if "keep" in name])
def test_pillow_sees_the_same_pixels(name: str) -> None:
    dataset = open_dataset(FOLDER / name)
    for split in dataset.splits:
        records = dataset.records(split)
        for number in range(len(records)):
            with Image.open(io.BytesIO(records.encoded(number))) as image:
                assert np.array_equal(np.asarray(image), records[number]["image"])


@pytest.mark.parametrize("name", [name for name in GOLDEN if "16-bits" not in name])
def test_training_reads_it(name: str) -> None:
    named: dict[str, Any] = {"label": "finding"} if "labels" in name else {}
    loader = make_loader(FOLDER / name, "train", batch_size=2, image_size=(8, 8), normalize="unit", **named)
    batches = [*loader]
    assert len(batches) == len(loader) > 0
    assert all(images.shape == (2, 8, 8, 3) for images, *_ in batches)
