"""The steps of the graph. `engines/test_dataflow_graph.py` looks at the graph itself, as Dataflow gets it."""

import pickle
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest

from fitfeed.beam_jobs.engines.dask_cluster import DASK
from fitfeed.beam_jobs.pipeline import MergeTotals, WriteShard, build
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.planning.plan import make_plan
from fitfeed.converters.shards.write_shard import write_shard
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.results import ShardTotals
from fitfeed.converters.staging.staging import open_staging
from fitfeed.schemas.errors import ConversionError
from fitfeed.schemas.storage.local import LocalPlace
from tests.folders import path_of


@pytest.mark.slow  # Dask is imported
def test_each_shard_is_a_task_of_dask_of_its_own() -> None:
    """There a reshuffle does nothing: what one element becomes is one task, and one worker would do all."""
    pytest.importorskip("distributed")
    from apache_beam.runners.dask.dask_runner import DaskRunner
    from apache_beam.runners.dask.overrides import dask_overrides

    pipeline = beam.Pipeline(runner="FnApiRunner")
    work = WorkFolder(LocalPlace(Path("/datasets/flowers")), "job")
    build(pipeline, work=work, shards=7, timeout_s=0, spreads=DASK.spreads)
    pipeline.replace_all(dask_overrides())
    visitor = DaskRunner.to_dask_bag_visitor({"npartitions": 7})
    pipeline.visit(visitor)
    tasks = {step.full_label: bag.npartitions for step, bag in visitor.bags.items() if bag is not None}
    assert tasks["WriteShard"] == 7


def test_merge_changes_none_of_its_inputs() -> None:
    merge: Any = MergeTotals()
    first, second = merge.add_input(merge.create_accumulator(), 1), [2]
    assert merge.merge_accumulators([first, second, []]) == [1, 2]
    assert (first, second) == ([1], [2])


@pytest.mark.parametrize("name", ["job.json", "plans/00000.json"])
def test_a_worker_of_an_engine_refuses_what_the_launch_has_not_written(
    few_photos: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_here(work: WorkFolder, job: Job, number: int, **_: Any) -> ShardTotals:
        return write_shard(work, job, number, lambda *_: None)

    monkeypatch.setattr("fitfeed.beam_jobs.pipeline.write_in_child", write_here)
    plan = make_plan(few_photos, ConvertOptions())
    with open_staging(LocalPlace(tmp_path / "dataset")) as staging:
        work = staging.prepare(plan, timeout_s=9)
    planned = (path_of(work.root) / name).read_text()
    (path_of(work.root) / name).write_text(
        planned.replace(".jpg", ".png").replace(str(few_photos), str(tmp_path))
    )
    assert (path_of(work.root) / name).read_text() != planned
    sent = pickle.loads(pickle.dumps(WriteShard(work, timeout_s=0)))  # noqa: S301 - as Beam sends it
    with pytest.raises(ConversionError, match=rf"{name} is not what this launch has written"):
        list(sent.process(0))
    assert list(path_of(work.shards).iterdir()) == []
    (path_of(work.root) / name).write_text(planned)
    assert [totals.examples for totals in sent.process(0)] == [8]


def test_a_worker_of_an_engine_yields_from_process_only(
    few_photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dask loses what is yielded when a bundle is finished."""
    totals = ShardTotals(number=0, planned=8, examples=8, bytes=9, rejects={}, reused=False)
    monkeypatch.setattr("fitfeed.beam_jobs.pipeline.write_in_child", lambda *_, **__: totals)
    with open_staging(LocalPlace(tmp_path / "dataset")) as staging:
        work = staging.prepare(make_plan(few_photos, ConvertOptions()), timeout_s=9)
    step = WriteShard(work, timeout_s=0)
    step.start_bundle()
    assert list(step.process(0)) == [totals]
    assert list(step.finish_bundle()) == []
