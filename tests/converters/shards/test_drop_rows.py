"""A shard without some of its rows is the shard that would have been written without them."""

import dataclasses
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.planning.plan import make_plan
from fitfeed.converters.shards.drop_rows import drop_rows
from fitfeed.converters.shards.write_shard import write_shard
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job, ShardPlan
from fitfeed.converters.staging.results import ShardResult
from fitfeed.schemas.errors import ConversionError
from fitfeed.schemas.storage.local import LocalPlace
from tests.converters.handmade import Example, job_of, write_result
from tests.effort import PROFILE
from tests.folders import path_of
from tests.labelled import LAYOUTS, Flower, options

IN_ONE_FOLDER = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=3 if PROFILE == "quick" else 20
)
ROWS = 9


def write(dataset: Path, job: Job, plan: ShardPlan) -> ShardResult:
    """The result of a shard that is written in a folder of its own."""
    work = WorkFolder(LocalPlace(dataset), "job")
    begun = work.begin()
    stamped = dataclasses.replace(job, begun=begun, stamps=[work.write_plan(plan, begun)])
    write_shard(work, stamped, plan.number, lambda size, bad: None)
    result = work.read_result(stamped, plan.number)
    assert result is not None
    return result


def without(plan: ShardPlan, rows: set[int]) -> ShardPlan:
    """A plan in which some files never were."""

    def kept(values: Sequence[Any]) -> list[Any]:
        return [value for row, value in enumerate(values) if row not in rows]

    return dataclasses.replace(
        plan,
        paths=kept(plan.paths),
        keys=kept(plan.keys),
        labels={name: kept(values) for name, values in plan.labels.items()},
        bytes=kept(plan.bytes),
        mtimes_ns=kept(plan.mtimes_ns),
    )


@pytest.fixture(params=[*LAYOUTS, "png_16_bits", "raw_16_bits", "gray"])
def planned(request: pytest.FixtureRequest, flower_table: tuple[Path, list[Flower]]) -> tuple[Job, ShardPlan]:
    """A plan of nine images with a mask and a label of every other kind, in every layout."""
    chosen: dict[str, Callable[[], ConvertOptions]] = {
        "png_16_bits": lambda: dataclasses.replace(options("tfrecord"), encoding="png", depth=16),
        "raw_16_bits": lambda: dataclasses.replace(options("raw_hdf5"), depth=16),
        "gray": lambda: dataclasses.replace(options("tfrecord"), encoding="jpeg", channels=1),
    }
    made = chosen.get(request.param, lambda: options(request.param))()
    whole = make_plan(flower_table[0] / "labels.csv", made)
    assert len(whole.shards[0].paths) == ROWS
    return whole.job, whole.shards[0]


@IN_ONE_FOLDER
@given(st.sets(st.integers(0, ROWS - 1), min_size=1))
def test_the_shard_is_as_if_they_had_never_been(
    tmp_path: Path, planned: tuple[Job, ShardPlan], rows: set[int]
) -> None:
    job, plan = planned
    whole, less = tmp_path / "whole", tmp_path / "less"
    for folder in (whole / ".work" / "job" / "kept", less):
        shutil.rmtree(folder, ignore_errors=True)
    result = write(whole, job, plan)
    expected = write(less, job, without(plan, rows))
    work = WorkFolder(LocalPlace(whole), "job")
    (changed,) = drop_rows(work, job, [result], {0: sorted(rows)})
    changed = dataclasses.replace(changed, stamp=expected.stamp, identity=expected.identity)
    assert changed.to_json() == expected.to_json()
    kept, wanted = (
        path_of(work.kept) / plan.file,
        path_of(WorkFolder(LocalPlace(less), "job").shards) / plan.file,
    )
    assert kept.read_bytes() == wanted.read_bytes()


@pytest.fixture
def three(tmp_path: Path) -> tuple[WorkFolder, Job, list[ShardResult]]:
    """Three shards of four raw images with a mask each."""
    options = ConvertOptions(encoding="raw", size=(2, 3))
    job = job_of({"train": [0, 1, 2]}, options, {"label": "class", "region": "mask"})
    work = WorkFolder(LocalPlace(tmp_path), "job")
    work.begin()
    examples = [Example(value=number, label=number % 3) for number in range(4)]
    return (
        work,
        job,
        [write_result(job, path_of(work.shards) / f"{number}.tfrecord", examples) for number in range(3)],
    )


def test_shards_that_stay_complete_are_not_touched(
    three: tuple[WorkFolder, Job, list[ShardResult]],
) -> None:
    work, job, results = three
    before = {path: path.read_bytes() for path in path_of(work.shards).iterdir()}
    changed = drop_rows(work, job, results, {2: [1], 0: [0, 3]})
    assert changed[1] is results[1]
    assert [len(result.rows.key) for result in changed] == [2, 4, 3]
    assert changed[0].rows.key == ["0.tfrecord/1", "0.tfrecord/2"]
    assert {path.name for path in path_of(work.kept).iterdir()} == {"0.tfrecord", "2.tfrecord"}
    assert {path: path.read_bytes() for path in path_of(work.shards).iterdir()} == before


def test_a_shard_that_is_in_its_place_already(three: tuple[WorkFolder, Job, list[ShardResult]]) -> None:
    work, job, results = three
    (path_of(work.shards) / "1.tfrecord").rename(
        path_of(work.dataset) / "1.tfrecord"
    )  # by an interrupted publication
    changed = drop_rows(work, job, results, {1: [0, 1, 2, 3]})
    assert (changed[1].shard.examples, changed[1].shard.bytes) == (0, 0)
    assert changed[1].mask_values == {"region": [0] * 256}


@pytest.mark.parametrize("mask", [None, "region"])
@pytest.mark.parametrize("row", [0, 3])
def test_a_changed_shard_is_not_copied(
    three: tuple[WorkFolder, Job, list[ShardResult]], row: int, mask: str | None
) -> None:
    """Neither where the damage is in a row that stays, nor where it is in one that goes."""
    work, job, results = three
    path = path_of(work.shards) / "1.tfrecord"
    data = bytearray(path.read_bytes())
    data[results[1].rows.place(row, mask).offset] ^= 1
    path.write_bytes(data)
    message = rf"1\.tfrecord was changed after it was written\. Remove {path_of(work.root)} and run"
    with pytest.raises(ConversionError, match=message):
        drop_rows(work, job, results, {1: [3]})
    assert list(path_of(work.kept).iterdir()) == []


def test_a_shard_that_was_cut(three: tuple[WorkFolder, Job, list[ShardResult]]) -> None:
    work, job, results = three
    path = path_of(work.shards) / "1.tfrecord"
    path.write_bytes(path.read_bytes()[: results[1].rows.offset[3]])
    with pytest.raises(ConversionError, match="was changed after it was written"):
        drop_rows(work, job, results, {1: [0]})
