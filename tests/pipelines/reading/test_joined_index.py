"""Several splits as one: each value is that of its split, in the order in which the splits are named."""

import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.pipelines import Dataset, Records, open_dataset
from fitfeed.pipelines.reading.joined_index import JoinedColumn
from fitfeed.schemas.errors import DamagedExampleError, UsageError
from tests.pipelines.build_dataset import Format, pickled


@given(st.lists(st.integers(0, 9), min_size=1, max_size=6).filter(any), st.data())
def test_a_joined_column_is_the_concatenation(sizes: list[int], data: st.DataObject) -> None:
    parts = [
        np.random.default_rng(i).integers(0, 1000, size).astype(np.int32) for i, size in enumerate(sizes)
    ]
    firsts = [0, *itertools.accumulate(sizes)]
    added = data.draw(st.just(()) | st.lists(st.integers(0, 9), min_size=len(sizes), max_size=len(sizes)))
    column = JoinedColumn(parts, firsts, added=added)
    whole = np.concatenate([part + (added[i] if added else 0) for i, part in enumerate(parts)])
    rows = np.array(data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=20)), np.int64)
    assert np.array_equal(np.asarray(column), whole)
    assert np.array_equal(column[rows], whole[rows])
    assert column[rows].dtype == np.int32
    assert [column[row] for row in rows.tolist()] == whole[rows].tolist()
    assert np.array_equal(column[2:7], whole[2:7])


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return list(one) == list(other) and all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("layout", ["tfrecord", "raw_hdf5"])
def test_records_of_several_splits(labelled: Callable[[str], Path], layout: str) -> None:
    """With a label of every kind: classes, lists, numbers, masks, texts."""
    dataset = open_dataset(labelled(layout))
    names = ["validation", "train"]
    joined, parts = dataset.records(names), [dataset.records(name) for name in names]
    expected = [part[i] for part in parts for i in range(len(part))]
    assert len(joined) == len(expected) == 24
    for records in (joined, pickled(joined)):
        assert all(same(records[i], example) for i, example in enumerate(expected))
    assert same(joined[-1], expected[-1])
    assert joined.encoded(7) == parts[1].encoded(1)
    assert joined.keys(np.array([6, 0])) == [expected[6]["key"], expected[0]["key"]]
    assert joined.common_size == ((8, 8) if "raw" in layout else None)
    assert [joined.place(row) for row in (0, 5, 6)] == [("validation", 0), ("validation", 5), ("train", 0)]
    assert repr(joined).endswith("split='validation + train', examples=24)")


def test_payloads_are_read_in_one_read(thumbnails: Dataset) -> None:
    joined = thumbnails.records(["validation", "train"])
    assert joined.payloads(12, 20) == [joined.encoded(row) for row in range(12, 20)]
    out = np.empty((4, len(joined.encoded(0))), np.uint8)
    rows = np.array([3, 60, 9, 11])
    assert joined.read_all_into(rows, out) == []
    assert [row.tobytes() for row in out] == [joined.encoded(row) for row in rows.tolist()]


def test_damage_is_named_with_its_split(own_copy: Callable[[Format], Path]) -> None:
    folder = own_copy("tfrecord")
    dataset = open_dataset(folder)
    joined = dataset.records(["validation", "train"])
    os.truncate(folder / dataset.splits["train"].shards[0].file, 50)
    with pytest.raises(DamagedExampleError, match=r"train-00000.*image0000.*row 0 of 'train'"):
        joined[11]
    assert joined[10]["key"].endswith("image0110")


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        (["train", "tests"], r"no such split\. Received: split='tests'\. Use one of: 'train', 'validation'"),
        (["train", "train"], r"each once\. Received: \['train', 'train'\]"),
        ([], r"one split or more, each once\. Received: \[\]"),
        (3, r"a list of names, such as .* Received: 3"),
        (["train", 3], r"Received: \['train', 3\]"),
    ],
)
def test_splits_that_cannot_be_joined(flowers: Dataset, splits: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        flowers.records(splits)


def test_one_name_in_a_list_is_that_split(flowers: Dataset) -> None:
    records: Records = flowers.records(["train"])
    assert records is flowers.records("train")
