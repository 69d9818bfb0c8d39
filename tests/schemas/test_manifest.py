"""The manifest: published schema, fingerprint, refusals."""

import json
import shutil
from pathlib import Path

import jsonschema
import pytest

from schemas.errors import DamagedDatasetError, IncompleteDatasetError, NotFoundError, UsageError
from schemas.manifest import MANIFEST_NAME, fingerprint_of, json_schema, read_manifest

SCHEMA_FILE = Path(__file__).parents[2] / "schemas" / "manifest.schema.json"


@pytest.fixture
def copy(dataset_tfrecord: Path, tmp_path: Path) -> Path:
    shutil.copy(dataset_tfrecord / MANIFEST_NAME, tmp_path)
    return tmp_path


def edit(folder: Path, change) -> None:  # type: ignore[no-untyped-def]
    path = folder / MANIFEST_NAME
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_published_schema_is_current() -> None:
    # To regenerate: python -m schemas.manifest
    assert json.loads(SCHEMA_FILE.read_text()) == json_schema()


def test_real_manifest_follows_the_published_schema(dataset_tfrecord: Path, dataset_raw_hdf5: Path) -> None:
    schema = json.loads(SCHEMA_FILE.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    for dataset in (dataset_tfrecord, dataset_raw_hdf5):
        jsonschema.validate(json.loads((dataset / MANIFEST_NAME).read_text()), schema)


def test_round_trip(dataset_tfrecord: Path) -> None:
    manifest = read_manifest(dataset_tfrecord)
    assert manifest.to_json() == (dataset_tfrecord / MANIFEST_NAME).read_text()
    assert manifest.fingerprint == fingerprint_of(manifest)


def test_holds_nothing_of_this_machine(dataset_tfrecord: Path, clothing: Path) -> None:
    text = (dataset_tfrecord / MANIFEST_NAME).read_text()
    assert str(clothing) not in text
    assert str(dataset_tfrecord) not in text


@pytest.mark.parametrize("name", ["../x.tfrecord", "/etc/passwd", "a/b", ".hidden", "", "a\\b", "x\0", "x\n"])
def test_paths_out_of_the_folder_are_refused(copy: Path, name: str) -> None:
    edit(copy, lambda content: content["splits"]["train"]["shards"][0].update(file=name))
    with pytest.raises(DamagedDatasetError, match=r"splits\.train\.shards\.0\.file"):
        read_manifest(copy)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["splits"]["train"].update(examples=5), "examples is 5"),
        (lambda c: c["splits"]["train"].update(examples=-1), "examples"),
        (lambda c: c["splits"]["train"].update(bytes=1), "bytes is 1"),
        (lambda c: c["splits"]["train"]["class_counts"].append(0), "counts 11 classes"),
        (lambda c: c["splits"]["train"].update(examples="391"), "valid integer"),
        (lambda c: c["statistics"]["mean"].__setitem__(0, 1.0), "the histogram gives"),
        (lambda c: c["statistics"]["histogram"][0].pop(), "256 bins"),
        (lambda c: c.update(extra=1), "extra"),
        (lambda c: c.pop("splits"), "splits"),
        (lambda c: c.update(splits={}), "splits"),
        (lambda c: c["features"]["label"]["class_names"].reverse(), "fingerprint"),
    ],
)
def test_contradictions_are_found(copy: Path, change, message: str) -> None:  # type: ignore[no-untyped-def]
    edit(copy, change)
    with pytest.raises(DamagedDatasetError, match=message):
        read_manifest(copy)


def test_other_versions_are_named(copy: Path) -> None:
    edit(copy, lambda content: content.update(format_version=2))
    with pytest.raises(UsageError, match="format_version 2"):
        read_manifest(copy)


def test_not_json(tmp_path: Path) -> None:
    (tmp_path / MANIFEST_NAME).write_text("{")
    with pytest.raises(DamagedDatasetError, match="not JSON"):
        read_manifest(tmp_path)


def test_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="does not exist"):
        read_manifest(tmp_path / "nothing")
    with pytest.raises(UsageError, match="not a fitfeed dataset"):
        read_manifest(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file"):
        read_manifest(tmp_path / "file")
    (tmp_path / ".work").mkdir()
    with pytest.raises(IncompleteDatasetError, match="unfinished"):
        read_manifest(tmp_path)
