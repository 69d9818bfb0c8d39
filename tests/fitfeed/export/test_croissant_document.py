"""The document says which classes and splits there are, whatever they are called."""

from pathlib import Path

import pytest

from fitfeed.pipelines import Dataset, open_dataset
from tests.fitfeed.export.croissant_records import records_of
from tests.labelled import SPECIES, TAGS
from tests.without_beam import convert


@pytest.fixture(scope="module")
def exported(labeled: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return labeled.export_croissant(tmp_path_factory.mktemp("export"))


def test_classes_and_splits_are_enumerations(exported: Path, labeled: Dataset) -> None:
    assert records_of(exported, "species_classes") == [
        {"number": number, "name": name} for number, name in enumerate(SPECIES)
    ]
    assert [row["name"] for row in records_of(exported, "tags_classes")] == TAGS
    assert [row["name"] for row in records_of(exported, "splits")] == [*labeled.splits]


def test_names_that_mean_something_in_json_ld(tmp_path: Path, few_photos: Path) -> None:
    names = ['@id "ü"', "http: a#b"]
    for name, folder in zip(names, sorted(few_photos.iterdir()), strict=True):
        target = tmp_path / "source" / name
        target.mkdir(parents=True)
        for path in folder.iterdir():
            (target / path.name).write_bytes(path.read_bytes())
    convert(tmp_path / "source", tmp_path / "dataset")
    found = records_of(open_dataset(tmp_path / "dataset").export_croissant())
    assert {row["label_name"] for row in found} == set(names)


def test_without_labels(tmp_path: Path, few_photos: Path) -> None:
    convert(few_photos, tmp_path / "dataset", labels="none")
    found = records_of(open_dataset(tmp_path / "dataset").export_croissant())
    assert [*found[0]][:3] == ["split", "key", "shard"]
