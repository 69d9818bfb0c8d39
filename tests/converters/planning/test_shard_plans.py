"""What goes into each shard: each image once, in the salted order, whenever its plan is asked for."""

import hashlib
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.converters.file_columns import FileColumns
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.planning.shard_plans import ShardPlans
from fitfeed.converters.rejects import text_path
from fitfeed.converters.source_file import SourceFile, StoredAt
from fitfeed.converters.sources.examples import ExampleTable
from fitfeed.converters.sources.number_classes import number_classes
from fitfeed.converters.staging.job import ShardPlan
from fitfeed.schemas.categories import Categories
from fitfeed.schemas.features import PlannedLabel
from fitfeed.schemas.sharding import salted_order

PATHS = st.lists(st.text("ab/é\udcff", min_size=1, max_size=5), min_size=1, max_size=30, unique=True)
STORED = StoredAt("train-00000-of-00001.h5", 7, 9)


@st.composite
def tables(draw: st.DrawFn) -> ExampleTable:
    """Images of any kind of source, each with a class, an age and a mask."""
    paths = draw(PATHS)
    etags: list[str] = draw(st.sampled_from([["", ""], ["", "x"], ["y", "x"]]))
    stored: list[StoredAt | None] = draw(st.sampled_from([[None], [None, STORED]]))
    files = [
        SourceFile(
            path,
            draw(st.integers(0, 999)),
            draw(st.integers(0, 2)),
            etag=draw(st.sampled_from(etags)),
            source=draw(st.sampled_from([0, 2])),
            stored=draw(st.sampled_from(stored)),
        )
        for path in paths
    ]
    label, numbers = number_classes("class", [draw(st.sampled_from(["cat", "dog"])) for _ in paths])
    return ExampleTable(
        files=FileColumns.of(files),
        labels={"label": numbers, "age": list(range(len(paths))), "mask": files[::-1]},
        features={"label": label, "age": PlannedLabel(kind="int"), "mask": PlannedLabel(kind="mask")},
        splits=Categories[str | None].of([None] * len(paths)),
    )


def plan_by_hand(
    number: int, split: str, file: str, places: list[int], table: ExampleTable, options: ConvertOptions
) -> ShardPlan:
    """The plan of a shard from one image after the other."""
    files = [table.files[place] for place in places]
    labels = {
        "label": [table.labels["label"][place] for place in places],
        "age": places,
        "mask": [list(table.labels["mask"][place].content_identity) for place in places],
    }
    identities = [[each.source, *each.content_identity] for each in files]
    content = [file, identities, labels, options.writing_json()]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return ShardPlan(
        number=number,
        split=split,
        file=file,
        paths=[each.path for each in files],
        keys=[text_path(each.path) for each in files],
        labels=labels,
        bytes=[each.bytes for each in files],
        mtimes_ns=[each.mtime_ns for each in files],
        sources=[each.source for each in files] if any(each.source for each in files) else [],
        stored=[each.stored for each in files] if any(each.stored for each in files) else [],
        digest=hashlib.sha256(text.encode()).hexdigest(),
        etags=[each.etag for each in files] if any(each.etag for each in files) else [],
    )


@given(tables(), st.integers(0, 3), st.data())
def test_plans_are_those_of_one_image_after_the_other(
    table: ExampleTable, seed: int, data: st.DataObject
) -> None:
    options = ConvertOptions(shards=1, seed=seed)
    count = len(table.files)
    cut = data.draw(st.integers(0, count))
    splits = {"test": list(range(cut)), "train": list(range(cut, count))}
    splits = {split: places for split, places in splits.items() if places}
    plans = ShardPlans(
        {split: np.array(places) for split, places in splits.items()}, table, options, {"test": 2}
    )
    expected = []
    for number, (split, places) in enumerate(splits.items()):
        ordered = [places[i] for i in salted_order([table.files.keys[place] for place in places], seed=seed)]
        file = "test-00002-of-00003.tfrecord" if split == "test" else "train-00000-of-00001.tfrecord"
        expected.append(plan_by_hand(number, split, file, ordered, table, options))
    assert plans == expected
    assert plans[-1] == expected[-1]
    assert plans[:1] == expected[:1]
    assert [(each.split, each.file, each.images, each.source_bytes) for each in plans.outlines] == [
        (plan.split, plan.file, len(plan.paths), sum(plan.bytes)) for plan in expected
    ]
    for plan, written in zip(plans, expected, strict=True):
        assert plan.to_json() == json.dumps(vars(written)).encode()


def test_there_are_as_many_as_asked_for() -> None:
    label, numbers = number_classes("class", ["cat"] * 10)
    table = ExampleTable(
        files=FileColumns.of(SourceFile(f"cat/{number}.jpg", 100, 1) for number in range(10)),
        labels={"label": numbers},
        features={"label": label},
        splits=Categories[str | None].of([None] * 10),
    )
    plans = ShardPlans({"train": np.arange(10)}, table, ConvertOptions(shard_bytes=300), {})
    assert [len(plan.paths) for plan in plans] == [2, 3, 2, 3]
    assert sorted(path for plan in plans for path in plan.paths) == sorted(table.files.paths)
    with pytest.raises(IndexError):
        plans[4]
