"""A file of another program in a store is looked at in a copy, and nothing is left of that."""

import dataclasses
import json
import tempfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from fitfeed.cli import main
from fitfeed.commands import inspect_several
from fitfeed.converters.inspect import far_file, inspect_file
from fitfeed.converters.inspect.far_file import MAX_COPY_BYTES
from fitfeed.converters.inspect.file_list import files_and_datasets
from fitfeed.schemas.errors import DamagedDatasetError, NotFoundError, UsageError
from fitfeed.schemas.storage.place import Place
from tests.converters.inspect.foreign import write_shards
from tests.converters.inspect.reader.programs import run
from tests.deep import png
from tests.schemas.storage.places import memory_place
from tests.without_beam import convert


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    return write_shards(tmp_path / "shards")


@pytest.fixture
def place(shards: Path) -> Place:
    return uploaded(shards)


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where copies are made."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def uploaded(folder: Path) -> Place:
    place = memory_place()
    for path in folder.iterdir():
        place.write(path.name, path.read_bytes())
    return place


def test_the_report_is_that_of_a_local_file(shards: Path, place: Place, temporary: Path) -> None:
    with h5py.File(shards / "x.h5", "w") as file:
        file["values"] = [1.5, 2.5]
    place.write("x.h5", (shards / "x.h5").read_bytes())
    for name in ("train-00001-of-00003.tfrecord", "x.h5"):
        here, there = inspect_file(shards / name), inspect_file(place.address(name))
        assert dataclasses.replace(there, parser="") == dataclasses.replace(here, parser="")
        assert there.parser == here.parser.replace(f"{shards}/", "")
        assert repr(name) in there.parser or f'"{name}"' in there.parser
    assert list(temporary.iterdir()) == []


def test_damage_is_said_of_the_address(shards: Path, place: Place, temporary: Path) -> None:
    name = "train-00001-of-00003.tfrecord"
    place.write(name, (shards / name).read_bytes()[:-1])
    with pytest.raises(DamagedDatasetError) as caught:
        inspect_file(place.address(name))
    assert str(caught.value).startswith(f"{place.address(name)} is damaged: record at byte 34")
    place.write("notes.txt", b"text")
    with pytest.raises(UsageError, match=f"^{place.address('notes.txt')} is "):
        inspect_file(place.address("notes.txt"))
    with pytest.raises(NotFoundError, match=f"^{place.address('nothing')} does not exist"):
        inspect_file(place.address("nothing"))
    assert list(temporary.iterdir()) == []


def test_only_so_much_is_copied(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert MAX_COPY_BYTES == 1 << 30
    address = place.address("train-00002-of-00003.tfrecord")
    monkeypatch.setattr(far_file, "MAX_COPY_BYTES", 50)
    with pytest.raises(UsageError, match=f"^{address} has 0 MiB, .* Give --full, or copy"):
        inspect_file(address)
    assert inspect_file(address, full=True).records == 3
    monkeypatch.setattr(inspect_several, "MAX_COPY_BYTES", 110)  # they have 34, 68 and 102
    assert main(["inspect", str(place)]) == 2
    assert "and 1 more files, which were not looked at; --full looks at all" in capsys.readouterr().out


def test_a_folder_of_files(
    shards: Path, place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["inspect", f"{place}/", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    names = sorted(path.name for path in shards.iterdir())
    assert [file["path"] for file in document["files"]] == [place.address(name) for name in names]
    assert [file["records"] for file in document["files"]] == [1, 2, 3]
    monkeypatch.chdir(shards)  # where copies of these names are
    assert [int(record["label"]) for record in run(document["parser"])["dataset"]] == [0, 1, 1, 2, 2, 2]
    with pytest.raises(UsageError, match="is a pattern"):
        files_and_datasets([f"{place}/*.tfrecord"])


def test_a_shard_of_ours_names_its_dataset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "photos" / "a" / "1.png"
    path.parent.mkdir(parents=True)
    path.write_bytes(png(np.zeros((4, 5, 3), np.uint8)))
    place = memory_place()
    convert(tmp_path / "photos", str(place))
    assert main(["inspect", place.address("train-00000-of-00001.tfrecord"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["dataset"]["folder"] == str(place)
    assert main(["inspect", str(place), "--json"]) == 0
    assert "fingerprint" in json.loads(capsys.readouterr().out)
