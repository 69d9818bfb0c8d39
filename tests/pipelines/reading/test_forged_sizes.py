"""Payloads that claim to be far larger than their row: each way to read them calls them damaged, and decodes nothing."""

import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
import pytest
import tensorflow as tf

from fitfeed.cli import main
from fitfeed.converters.verify import verify_dataset
from fitfeed.pipelines import make_pipeline, open_dataset
from fitfeed.pipelines.reading import records as records_module
from fitfeed.schemas import checked_index as checked_index_module
from fitfeed.schemas import index_labels as labels_module
from fitfeed.schemas.errors import DamagedDatasetError, DamagedExampleError
from fitfeed.schemas.index import Index
from fitfeed.schemas.tfrecord import HEADER_BYTES, masked_crc32c
from tests.converters.damage import edit_index, reseal
from tests.forged import SIDE, jpeg_claiming, png_claiming
from tests.pipelines.build_dataset import Example, build_dataset, jpeg_example

CLAIM = f"its header says {SIDE} x {SIDE} pixels, but the index says"
ROWS = 10
FORGED = (3, 6)
SETTINGS: dict[str, Any] = {
    "batch_size": 5,
    "image_size": (16, 16),
    "shuffle": False,
    "drop_remainder": False,
}
Labelled = Callable[[str], Path]


@pytest.fixture(scope="module")
def forged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset in which a JPEG and a PNG claim 12 GB of pixels."""
    examples = [jpeg_example(number) for number in range(ROWS)]
    pixels = np.zeros((8, 8, 3), np.uint8)
    for row, payload in zip(
        FORGED, (jpeg_claiming(SIDE, SIDE), png_claiming(SIDE, SIDE, rows=8)), strict=True
    ):
        examples[row] = Example(examples[row].key, examples[row].label, payload, pixels)
    return build_dataset(tmp_path_factory.mktemp("forged") / "d", {"train": examples})


@pytest.mark.parametrize("row", FORGED)
def test_records(forged: Path, row: int) -> None:
    with pytest.raises(DamagedExampleError, match=f"image000{row}.*payload at byte.*{CLAIM} 8 x 8"):
        open_dataset(forged).records("train")[row]


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"access": "stream"}, {"processes": 1}], ids=str)
def test_training(forged: Path, options: dict[str, Any]) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"DamagedExampleError.*{CLAIM} 8 x 8"):
        list(make_pipeline(forged, "train", **SETTINGS, **options).take(2))
    dataset = open_dataset(forged)
    batches = list(make_pipeline(dataset, "train", on_error="skip", **SETTINGS, **options).take(2))
    assert [len(images) for images, _ in batches] == [4, 4]
    assert dataset.skipped["train"] == len(FORGED)


def test_preview(forged: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preview", str(forged), "-o", str(tmp_path / "sheet.png")]) == 5
    assert CLAIM in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def claim_more(folder: Path, name: str) -> None:
    """Changes the header of a PNG in place: the image or the mask of row 0. All checksums of the dataset are right again."""
    index_path, kinds = folder / "train.index.arrow", open_dataset(folder).manifest.features.label_kinds
    index = Index(index_path, kinds)
    place: Any = index if name == "image" else index.labels[name]
    offset, length = int(place.offset[0]), int(place.length[0])
    shard = folder / open_dataset(folder).splits["train"].shards[0].file
    data = bytearray(shard.read_bytes())
    side = SIDE.to_bytes(4, "big")
    data[offset + 16 : offset + 24] = side + side
    data[offset + 29 : offset + 33] = zlib.crc32(data[offset + 12 : offset + 29]).to_bytes(4, "big")
    if shard.suffix == ".tfrecord":  # the record is the first one
        end = HEADER_BYTES + int.from_bytes(data[:8], "little")
        data[end : end + 4] = masked_crc32c(bytes(data[HEADER_BYTES:end])).to_bytes(4, "little")
    shard.write_bytes(data)
    column = "crc32c" if name == "image" else f"{name}_crc32c"
    checksum = google_crc32c.value(bytes(data[offset : offset + length]))
    edit_index(index_path, column, 0, checksum, kinds=kinds)
    reseal(folder)


@pytest.mark.parametrize("name", ["image", "région"])
@pytest.mark.parametrize("layout", ["tfrecord", "hdf5"])
def test_images_and_masks_of_real_datasets(
    labelled: Labelled, tmp_path: Path, layout: str, name: str
) -> None:
    folder = tmp_path / "d"
    shutil.copytree(labelled(layout), folder)
    claim_more(folder, name)
    with pytest.raises(DamagedExampleError, match=CLAIM):
        open_dataset(folder).records("train")[0]
    report = verify_dataset(folder)
    found = [finding for finding in report.findings if CLAIM in finding.detail]
    assert [(finding.kind, finding.example) for finding in found] == [("disagrees", 0)]
    assert f"its {name}: " in found[0].detail


def test_a_payload_larger_than_any_is_refused(
    forged: Path, labelled: Labelled, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its bytes would be read before its header is seen, and a sparse file of any size costs nothing to make."""
    with monkeypatch.context() as patch:
        patch.setattr(checked_index_module, "MAX_PAYLOAD_BYTES", 1000)
        with pytest.raises(DamagedDatasetError, match=r"row 0 .* is impossible"):
            open_dataset(forged).records("train")[FORGED[0]]
    monkeypatch.setattr(labels_module, "MAX_PAYLOAD_BYTES", 1)
    with pytest.raises(DamagedDatasetError, match=r"row 0 .* is impossible"):
        open_dataset(labelled("tfrecord")).records("train")[0]


def test_examples_far_apart_are_read_alone(forged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = open_dataset(forged).records("train")
    together = records.payloads(0, 5)
    monkeypatch.setattr(records_module, "MAX_READ_BYTES", 1000)
    assert records.payloads(0, 5) == together == [records.encoded(row) for row in range(5)]
