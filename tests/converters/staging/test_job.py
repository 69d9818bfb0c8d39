"""Jobs survive a stay in the staging area; digests of any values are those of their whole canonical JSON."""

import hashlib
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.rejects import Reject
from fitfeed.converters.source_file import SourceRoot
from fitfeed.converters.staging.job import AppendTarget, Job, LongList, _value_json, digest_of
from fitfeed.schemas.features import PlannedLabel
from fitfeed.schemas.integer_column import IntegerColumn

LEAVES = st.none() | st.integers() | st.text(max_size=3) | st.dictionaries(st.text(max_size=2), st.integers())
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=9), max_leaves=40)


def whole_digest(content: Any) -> str:
    whole = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(whole.encode()).hexdigest()


@given(
    content=VALUES, items=st.lists(LEAVES | st.lists(LEAVES, max_size=2), max_size=9), size=st.integers(1, 4)
)
def test_parts_are_those_of_the_whole(content: Any, items: list[Any], size: int) -> None:
    assert digest_of(content) == whole_digest(content)
    some = [items[begin : begin + size] for begin in range(0, len(items), size)]
    parts = [json.dumps(each, sort_keys=True, separators=(",", ":"))[1:-1].encode() for each in [*some, []]]
    assert digest_of(LongList(iter(parts))) == whole_digest(items)
    assert digest_of([content, LongList(parts), LongList(parts)]) == whole_digest([content, items, items])
    inside = {"b": LongList(parts), "a": content}
    assert digest_of([content, inside, [inside]]) == whole_digest(
        [content, {"a": content, "b": items}, [{"a": content, "b": items}]]
    )


@pytest.mark.parametrize("base", [None, AppendTarget(fingerprint="f", source_files=9, retried=["a"])])
def test_a_job_is_read_as_it_was_written(base: AppendTarget | None) -> None:
    written = Job(
        sources=[SourceRoot(number=0, name="photos", kind="folder", folder="/source")],
        options=ConvertOptions(size=(4, 5), split={"train": 0.5, "test": 0.5}),
        features={
            "age": PlannedLabel(kind="float"),
            "tags": PlannedLabel(kind="multiclass", class_names=["a", "b"]),
            "species": PlannedLabel(kind="class", class_names=["c"]),
        },
        splits={"train": [0, 1], "test": [2]},
        statistics_split="train",
        files=8,
        bytes=80,
        source_digest="s",
        digest="d",
        rejects=[Reject("bad.jpg", "label_invalid", "has no label")],
        ignored=[Reject(".hidden", "not_an_image", "is hidden", "ignored")],
        max_bad=0.25,
        allow_leaks=False,
        base=base,
    )
    assert Job.from_json(json.loads(json.dumps(written.to_json()))) == written
    assert (written.classes, written.class_names) == ("tags", ["a", "b"])
    assert written.all_class_names == ["a", "b", "c"]
    assert written.kinds == {"age": "float", "tags": "multiclass", "species": "class"}
    assert (written.shards, written.allowed_rejects) == (3, 2)


@pytest.mark.parametrize("code", ["i", "q", "B"])
def test_a_column_has_its_own_type(code: str) -> None:
    assert b"".join(_value_json(IntegerColumn(np.array([1, 2, 3, 4], code)))) == b"[1, 2, 3, 4]"
