"""Files that hold the same are read as one."""

from pathlib import Path
from typing import Any

import pytest

from fitfeed.converters.inspect.several_files import common_reader
from fitfeed.converters.inspect.tfrecord import inspect_tfrecord
from tests.converters.inspect.foreign import example, picture, write
from tests.converters.inspect.reader.programs import run


def reader(tmp_path: Path, *files: list[bytes]) -> str | None:
    paths = [write(tmp_path / f"{number}.tfrecord", records) for number, records in enumerate(files)]
    return common_reader(paths, [inspect_tfrecord(path, "none") for path in paths])


def test_files_of_the_same_features(tmp_path: Path) -> None:
    files = [[example(image=[picture("PNG", size=8 + i)], label=[i], box=[1.0] * i)] for i in range(1, 4)]
    text = reader(tmp_path, *files, [])
    assert text is not None
    names = run(text)
    assert [record["label"].numpy() for record in names["dataset"]] == [1, 2, 3]
    assert [record["image"].shape[0] for record in names["dataset"]] == [9, 10, 11]
    assert [len(record["box"]) for record in names["dataset"]] == [1, 2, 3]
    assert next(iter(names["batches"]))["label"].shape == (3,)


@pytest.mark.parametrize("other", [{"a": [1.0]}, {"b": [1]}, {"a": [1], "b": [1]}], ids=str)
def test_files_that_differ(tmp_path: Path, other: dict[str, Any]) -> None:
    assert reader(tmp_path, [example(a=[1])], [example(**other)]) is None
