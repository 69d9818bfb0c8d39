"""A shard of ours is known, with its dataset."""

from pathlib import Path

import pytest

from fitfeed.converters.inspect import inspect_file
from fitfeed.converters.inspect.own_shards import own_shard
from fitfeed.converters.options import ConvertOptions
from tests.converters.inspect.foreign import example, write
from tests.without_beam import convert


@pytest.fixture(params=["tfrecord", "hdf5"])
def shard(request: pytest.FixtureRequest, few_photos: Path, tmp_path: Path) -> Path:
    convert(few_photos, tmp_path / "dataset", ConvertOptions(format=request.param))
    return next(path for path in (tmp_path / "dataset").iterdir() if "-of-" in path.name)


def test_a_shard_names_its_dataset(shard: Path) -> None:
    own = own_shard(shard, inspect_file(shard))
    assert own is not None
    assert own[:4] == (str(shard.parent), "train", 0, 1)
    assert own.note.endswith(f"fitfeed inspect {shard.parent}")


def test_a_shard_without_its_manifest(shard: Path) -> None:
    (shard.parent / "manifest.json").unlink()
    own = own_shard(shard, inspect_file(shard))
    assert own is not None
    assert own.folder is None
    assert "whose manifest.json is not beside it" in own.note


def test_other_files_are_not_ours(tmp_path: Path) -> None:
    path = write(tmp_path / "train-00000-of-00001.tfrecord", [example(image=[b""], label=[1])])
    assert own_shard(path, inspect_file(path)) is None
