"""`fitfeed inspect`: the text, the JSON document, the errors and the exit status."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from fitfeed.cli import main
from fitfeed.commands.class_lists import classes_of_dataset
from fitfeed.schemas.manifest import Manifest, read_manifest
from fitfeed.schemas.storage.open_place import open_place

CONTAINERS = Path(__file__).parents[2] / "data" / "nasty" / "containers"


@pytest.fixture(params=["tfrecord", "hdf5"])
def dataset(request: pytest.FixtureRequest) -> Path:
    path: Path = request.getfixturevalue(f"dataset_{request.param}")
    return path


def inspect(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["inspect", *arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_json_has_what_the_interface_promises(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = inspect(capsys, str(dataset), "--json")
    assert (status, err) == (0, "")
    document: dict[str, Any] = json.loads(out)
    manifest = read_manifest(dataset)
    for name in ("format", "format_version", "fingerprint", "class_names", "rejects"):
        assert document[name] == getattr(manifest, name), name
    assert document["splits"].keys() == manifest.splits.keys()
    for name, split in document["splits"].items():
        recorded = manifest.splits[name]
        assert (split["examples"], split["bytes"]) == (recorded.examples, recorded.bytes)
        assert split["shards"] == len(recorded.shards)
        assert list(split["class_counts"]) == manifest.class_names
        assert sum(split["class_counts"].values()) == recorded.examples
        assert split["histogram"] == recorded.counts.tolist()
    channels = manifest.features.image.channels
    for name in ("mean", "std", "min", "max"):
        assert len(document["statistics"][name]) == channels, name
    assert document["features"]["image"]["encoding"] == manifest.features.image.encoding


def test_text_names_splits_classes_statistics_and_how_to_train(
    dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = inspect(capsys, str(dataset))
    assert (status, err) == (0, "")
    manifest = read_manifest(dataset)
    assert manifest.fingerprint in out
    for name, split in manifest.splits.items():
        assert f"{name:<10} {split.examples} examples in {len(split.shards)} shards" in out
    assert all(class_name in out for class_name in manifest.class_names)
    assert f"{manifest.statistics.mean[0]:.3f}" in out
    assert "from fitfeed import make_pipeline" in out


def test_text_names_rejects_by_reason(
    dataset_tfrecord: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = read_manifest(dataset_tfrecord)

    def with_rejects(folder: Path) -> Manifest:
        return manifest.model_copy(update={"rejects": {"corrupt": 2, "truncated": 1}})

    monkeypatch.setattr("fitfeed.schemas.manifest.read_manifest", with_rejects)
    _, out, _ = inspect(capsys, str(dataset_tfrecord))
    assert "rejects    3" in out
    assert "2 corrupt" in out
    assert "1 truncated" in out


@pytest.mark.parametrize("fixture", ["dataset_tfrecord", "dataset_hdf5"])
def test_a_shard_of_ours_is_a_plain_file(
    fixture: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    folder: Path = request.getfixturevalue(fixture)
    manifest = read_manifest(folder)
    shard = next(iter(manifest.splits.values())).shards[0]
    status, out, _ = inspect(capsys, str(folder / shard.file), "--json")
    document = json.loads(out)
    assert status == 0
    assert document["format"] == manifest.format
    if manifest.format == "tfrecord":
        assert document["records"] == shard.examples
        names: dict[str, Any] = {}
        exec(document["parser"], names)
        assert len(list(names["dataset"])) == shard.examples


def test_text_of_a_foreign_file_has_a_table_and_a_parser(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = inspect(capsys, str(CONTAINERS / "good.tfrecord"))
    assert status == 0
    assert "4 records of tf.train.Example, 108..118 bytes each" in out
    assert "x_int    int64    10      0..390; 40 distinct" in out
    names: dict[str, Any] = {}
    exec(out.partition("# read it with:")[2], names)
    assert len(list(names["dataset"])) == 4


@pytest.mark.parametrize(
    ("name", "status", "message"),
    [
        ("nothing", 2, "does not exist"),
        ("not_hdf5.h5", 2, "is a text file"),
        ("truncated.tfrecord", 5, "after 3 good records"),
        ("truncated.h5", 5, "is damaged"),
        ("../png", 2, "not a fitfeed dataset"),
    ],
)
def test_errors_are_one_line_and_have_their_status(
    name: str, status: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    received, out, err = inspect(capsys, str(CONTAINERS / name))
    assert (received, out) == (status, "")
    assert message in err
    assert err.count("\n") == 1


def test_an_unfinished_conversion_is_incomplete(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ".work").mkdir()
    status, _, err = inspect(capsys, str(tmp_path))
    assert status == 5
    assert "unfinished" in err


def in_a_store(folder: Path, address: str) -> str:
    place = open_place(address, "DATASET")
    for path in folder.iterdir():
        place.write(path.name, path.read_bytes())
    return address


def test_a_dataset_in_a_store_is_as_one_in_a_folder(
    gray: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address = in_a_store(gray, "memory://inspect-one/some/dataset")
    status, out, err = inspect(capsys, address)
    assert (status, err) == (0, "")
    assert out == inspect(capsys, str(gray))[1].replace(str(gray), address)
    assert inspect(capsys, address, "--json") == inspect(capsys, str(gray), "--json")

    status, out, _ = inspect(capsys, address, str(CONTAINERS / "good.tfrecord"), "memory://inspect-one/none")
    assert status == 2
    assert re.search(rf"^{address} +dataset, tfrecord ", out, re.MULTILINE)
    assert "memory://inspect-one/none does not exist" in out
    assert classes_of_dataset(address) == read_manifest(gray).class_names

    sheets = [tmp_path / f"{name}.png" for name in ("here", "there")]
    for dataset, sheet in zip((str(gray), address), sheets, strict=True):
        assert (
            main(["preview", dataset, "-o", str(sheet), "--augment", "RandomFlip('horizontal')", "--quiet"])
            == 0
        )
    assert sheets[0].read_bytes() == sheets[1].read_bytes()
