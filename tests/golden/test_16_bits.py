"""What version 2 of the format is with 16 bits: made once, read for ever, and still made so."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from fitfeed.cli import main
from fitfeed.converters.option_parts.storage import Format
from fitfeed.converters.verify import verify_dataset
from fitfeed.pipelines import open_dataset
from tests.deep import noise
from tests.golden.golden_folders import FORMATS
from tests.golden.regenerate_16_bits import golden, make_source, options
from tests.without_beam import convert


@pytest.mark.parametrize("format_", FORMATS)
def test_it_is_read(format_: Format) -> None:
    assert verify_dataset(golden(format_)).ok
    dataset = open_dataset(golden(format_))
    assert (dataset.manifest.format_version, dataset.manifest.features.image.dtype) == (2, "uint16")
    records = dataset.records("train")
    assert sorted(records[i]["key"] for i in range(5)) == [
        "a/0.png",
        "a/2.png",
        "a/4.png",
        "b/1.png",
        "b/3.png",
    ]
    for record in (records[i] for i in range(5)):
        number = int(record["key"][2])
        assert np.array_equal(record["image"], noise(4, 3, 3, seed=number))
        assert record["label"] == number % 2
    values = np.concatenate([noise(4, 3, 3, seed=number).reshape(-1, 3) for number in range(5)])
    assert dataset.statistics.mean == pytest.approx(values.mean(axis=0), rel=1e-12)


def without_index(folder: Path) -> Any:
    """The manifest, but for the index: its bytes may change with the Arrow library."""
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["fingerprint"], manifest["splits"]["train"]["index"]
    return manifest


def test_it_is_written_still(tmp_path: Path) -> None:
    make_source(tmp_path / "source")
    convert(tmp_path / "source", tmp_path / "dataset", options("tfrecord"))
    assert without_index(tmp_path / "dataset") == without_index(golden("tfrecord"))
    index, expected = (
        pa.ipc.open_file(str(folder / "train.index.arrow")).read_all()
        for folder in (tmp_path / "dataset", golden("tfrecord"))
    )
    assert index.schema.equals(expected.schema, check_metadata=True)
    assert index.to_pylist() == expected.to_pylist()
    for path in golden("tfrecord").glob("*.tfrecord"):
        assert (tmp_path / "dataset" / path.name).read_bytes() == path.read_bytes()


def test_it_is_shown(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    assert main(["preview", str(golden("hdf5")), "-o", str(sheet)]) == 0
    with Image.open(sheet) as image:
        assert image.size[0] > 50
