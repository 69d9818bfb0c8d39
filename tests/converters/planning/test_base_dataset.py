"""What may join a dataset, and how its classes are numbered then."""

import errno
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from fitfeed.converters.file_columns import FileColumns
from fitfeed.converters.planning.base_dataset import (
    BaseDataset,
    join_classes,
    open_base_dataset,
    open_to_compare,
)
from fitfeed.converters.planning.example_places import find_places
from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources.examples import ExampleTable
from fitfeed.schemas.categories import Categories
from fitfeed.schemas.class_order import ClassOrder
from fitfeed.schemas.errors import DamagedDatasetError, UsageError
from fitfeed.schemas.features import PlannedLabel
from fitfeed.schemas.packed_texts import PackedTexts
from fitfeed.schemas.storage.local import LocalPlace
from fitfeed.schemas.storage.place import Found
from tests.folders import path_of
from tests.golden.regenerate_16_bits import golden


@pytest.fixture
def existing(tmp_path: Path) -> BaseDataset:
    """With the classes a and b, in text order."""
    shutil.copytree(golden("tfrecord"), tmp_path / "dataset")
    return open_base_dataset(LocalPlace(tmp_path / "dataset"))


def table(*names: str, order: ClassOrder = "text") -> ExampleTable:
    """An image for each class."""
    return ExampleTable(
        files=FileColumns.of(SourceFile(f"{name}/1.png", 1, 1) for name in names),
        labels={"label": list(range(len(names)))},
        features={"label": PlannedLabel(kind="class", class_names=list(names), class_order=order)},
        splits=Categories.of([None] * len(names)),
    )


@pytest.mark.parametrize(
    ("names", "order", "joined", "joined_order"),
    [
        (("b",), "text", ["a", "b"], "text"),
        (("b", "c"), "text", ["a", "b", "c"], "text"),
        (("0", "b"), "text", ["a", "b", "0"], "given"),
        (("2", "10"), "number", ["a", "b", "2", "10"], "given"),
    ],
)
def test_new_classes_come_last(
    existing: BaseDataset, names: tuple[str, ...], order: ClassOrder, joined: list[str], joined_order: str
) -> None:
    result = join_classes(existing, table(*names, order=order))
    label = result.features["label"]
    assert (label.class_names, label.class_order) == (joined, joined_order)
    assert [joined[number] for number in result.labels["label"]] == list(names)


def test_other_labels_are_refused(existing: BaseDataset) -> None:
    one = table("a")
    other = ExampleTable(
        files=one.files, labels={"age": [3]}, features={"age": PlannedLabel(kind="int")}, splits=one.splits
    )
    with pytest.raises(UsageError, match="has the labels label:class, and SOURCE has age:int"):
        join_classes(existing, other)


def test_a_damaged_index_is_not_appended_to(existing: BaseDataset) -> None:
    index = path_of(existing.place) / "train.index.arrow"
    index.write_bytes(index.read_bytes()[:-1])
    with pytest.raises(DamagedDatasetError, match="not what was published"):
        open_base_dataset(existing.place)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO])
def test_what_cannot_be_found_out_is_no_damage(
    existing: BaseDataset, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Whoever may read the objects of a store may not be allowed to list them."""

    def refuse(place: LocalPlace, names: Iterable[str]) -> Iterator[Found]:
        yield from ()
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(LocalPlace, "find_each", refuse)
    with pytest.raises(OSError, match=re.escape(os.strerror(number))):
        open_base_dataset(existing.place)


def test_a_shard_that_is_missing_a_loop_or_shorter_is_damage(existing: BaseDataset) -> None:
    shard = path_of(existing.place) / existing.manifest.splits["train"].shards[0].file
    content = shard.read_bytes()
    cases: list[tuple[Callable[[], object], str]] = [
        (lambda: None, "is missing"),
        (lambda: shard.symlink_to(shard.name), "cannot be read"),
        (lambda: shard.write_bytes(content[:-1]), "bytes, and the manifest says"),
    ]
    for spoil, said in cases:
        shard.unlink(missing_ok=True)
        spoil()
        with pytest.raises(DamagedDatasetError, match=said):
            open_base_dataset(existing.place)


def test_a_key_that_is_not_text_is_damage(existing: BaseDataset) -> None:
    """A conversion that was repeated ended in a traceback."""
    index = path_of(existing.place) / "train.index.arrow"
    key = existing.indexes["train"].key(0).encode()
    index.write_bytes(index.read_bytes().replace(key, b"\xff" * len(key)))
    opened = open_to_compare(existing.place)
    with pytest.raises(DamagedDatasetError, match=r"train\.index\.arrow is not a readable version 2 index"):
        find_places(PackedTexts.of(["a/1.png"]), opened.indexes)
