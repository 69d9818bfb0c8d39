"""The library `mlcroissant` finds nothing to complain of, and reads what our own reader reads."""

import errno
import json
import logging
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from fitfeed.converters.verify import verify_dataset
from fitfeed.pipelines import Dataset, open_dataset
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.files import file_sha256
from tests.fitfeed.export.croissant_records import opened, records_of
from tests.labelled import SPECIES
from tests.servers.stores import Store
from tests.without_beam import convert

ABOUT = {
    "name": "Flowers",
    "description": "Pictures of flowers.",
    "license": "https://spdx.org/licenses/CC0-1.0.html",
    "url": "https://example.org/flowers",
}


@pytest.fixture(scope="module")
def exported(labeled: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return labeled.export_croissant(tmp_path_factory.mktemp("export"), **ABOUT)


def test_nothing_is_wrong_with_it(exported: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        metadata = opened(exported).metadata
    assert not [record for record in caplog.records if "context" in record.getMessage()]
    assert (metadata.name, metadata.description, metadata.url) == (
        ABOUT["name"],
        ABOUT["description"],
        ABOUT["url"],
    )
    assert metadata.license == [ABOUT["license"]]


def test_records_are_those_of_our_reader(exported: Path, labeled: Dataset) -> None:
    found = records_of(exported)
    expected = [
        (split, labeled.records(split)[number])
        for split in labeled.splits
        for number in range(len(labeled.records(split)))
    ]
    assert len(found) == len(expected)
    for row, (split, record) in zip(found, expected, strict=True):
        assert (row["split"], row["key"]) == (split, record["key"])
        assert (row["species"], row["species_name"]) == (record["species"], SPECIES[record["species"]])
        assert row["tags"] == record["tags"].tolist()
        assert row["height_cm"] == pytest.approx(record["height_cm"], abs=0)
        assert (row["petals"], row["note"]) == (record["petals"], record["note"])
        assert (row["height"], row["width"]) == record["image"].shape[:2]


def test_files_are_where_it_says(exported: Path, labeled: Dataset) -> None:
    document = json.loads(exported.read_text())
    shards = [shard for split in labeled.splits.values() for shard in split.shards]
    assert len(document["distribution"]) == 1 + len(shards)
    for file in document["distribution"]:
        path = exported.parent / file["contentUrl"]
        assert (file_sha256(path), f"{path.stat().st_size} B") == (file["sha256"], file["contentSize"])


def test_it_lies_beside_the_dataset_unless_told_otherwise(own: Path) -> None:
    dataset = open_dataset(own)
    path = dataset.export_croissant()
    assert path == own / "croissant.json"
    document = json.loads(path.read_text())
    assert document["name"] == "dataset"
    assert document["description"].startswith("Images: dataset: train 4; label:class, 2 classes")
    assert {"license", "url"}.isdisjoint(document)
    assert [row["label_name"] for row in records_of(path)] == [
        dataset.class_names[dataset.records("train")[number]["label"]] for number in range(4)
    ]
    assert verify_dataset(own).ok
    assert convert(own.parent / "source", own).up_to_date


def test_the_same_dataset_gives_the_same_files(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = open_dataset(own)
    first = [dataset.export_croissant().read_bytes(), (own / "index.parquet").read_bytes()]
    assert [dataset.export_croissant().read_bytes(), (own / "index.parquet").read_bytes()] == first
    monkeypatch.setattr("fitfeed.export.example_table.ROWS_AT_ONCE", 3)
    path = dataset.export_croissant(own.parent / "pieces")
    assert pq.read_metadata(path.with_name("index.parquet")).num_row_groups == 2
    assert pq.read_table(path.with_name("index.parquet")).equals(pq.read_table(own / "index.parquet"))


def test_a_dataset_in_a_store(store: Store, few_photos: Path, tmp_path: Path) -> None:
    convert(few_photos, f"{store.address}/photos")
    dataset = open_dataset(f"{store.address}/photos")
    with pytest.raises(UsageError, match="Name a folder of this machine"):
        dataset.export_croissant()
    path = dataset.export_croissant(tmp_path)
    assert len(records_of(path)) == 8
    urls = [file["contentUrl"] for file in json.loads(path.read_text())["distribution"]]
    assert urls[0] == "index.parquet"
    assert urls[1] == f"{store.address}/photos/{dataset.splits['train'].shards[0].file}"


def test_a_folder_behind_a_link_has_paths_that_lead_back(own: Path, tmp_path: Path) -> None:
    (tmp_path / "far" / "deep" / "export").mkdir(parents=True)
    (tmp_path / "near").symlink_to(tmp_path / "far" / "deep" / "export")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "data").symlink_to(own)
    path = open_dataset(tmp_path / "other" / "data").export_croissant(tmp_path / "near")
    for file in json.loads(path.read_text())["distribution"]:
        assert (path.parent / file["contentUrl"]).is_file()


def test_an_index_that_cannot_be_read_is_not_one_that_cannot_be_written(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(self: Dataset, split: str) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Dataset, "index", failing)
    with pytest.raises(OSError, match="Input/output error"):
        open_dataset(own).export_croissant()


def test_what_cannot_be_written_is_said(own: Path, tmp_path: Path) -> None:
    dataset = open_dataset(own)
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        dataset.export_croissant(tmp_path / "file")
    with pytest.raises(UsageError, match="must be on this machine"):
        dataset.export_croissant("gs://bucket/export")
    assert np.all([path.suffix != ".tmp" for path in own.iterdir()])
