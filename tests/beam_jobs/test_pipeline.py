"""The graph: what Dataflow would get, and that other runners give the same dataset."""

import itertools
import pickle
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_runner_api_pb2

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

SHARDS = 5000
MOVES_DATA = ("beam:transform:group_by_key:v1", "beam:transform:reshuffle:v1")


@pytest.fixture(scope="module")
def dataflow_graph() -> beam_runner_api_pb2.Pipeline:
    """The graph of a 5,000-shard conversion as Dataflow would receive it; nothing is submitted."""
    options = PipelineOptions(
        [
            "--runner=DataflowRunner",
            "--dry_run=True",
            "--project=test-project",
            "--region=us-central1",
            "--temp_location=gs://some-bucket/tmp",
            "--staging_location=gs://some-bucket/staging",
            "--no_save_main_session",
        ]
    )
    pipeline = beam.Pipeline(options=options)
    build(
        pipeline, work=WorkFolder(LocalPlace(Path("/datasets/flowers")), "job"), shards=SHARDS, timeout_s=300
    )
    return pipeline.run().job.proto_pipeline


@pytest.mark.slow
def test_no_step_moves_image_bytes(dataflow_graph: beam_runner_api_pb2.Pipeline) -> None:
    moving = {
        name.unique_name
        for name in dataflow_graph.components.transforms.values()
        if not name.subtransforms and name.spec.urn in MOVES_DATA
    }
    # One spreads shard numbers, the other gathers totals; WriteShard, where images are, lies between.
    assert moving == {"Spread/ReshufflePerKey/GroupByKey", "Merge/CombinePerKey/GroupByKey"}


def test_graph_is_linear(dataflow_graph: beam_runner_api_pb2.Pipeline) -> None:
    transforms = dataflow_graph.components.transforms
    roots = [transforms[name] for name in dataflow_graph.root_transform_ids]
    (root,) = roots if len(roots) == 1 else (None,)
    steps = (
        [transforms[name] for name in root.subtransforms]
        if root is not None and root.subtransforms
        else roots
    )
    assert [step.unique_name for step in steps] == ["Shards", "Spread", "WriteShard", "Merge", "Publish"]
    for before, after in itertools.pairwise(steps):
        assert len(before.outputs) == 1
        assert list(after.inputs.values()) == list(before.outputs.values())


def test_graph_does_not_grow_with_the_source(dataflow_graph: beam_runner_api_pb2.Pipeline) -> None:
    assert dataflow_graph.ByteSize() < 1_000_000  # Dataflow takes about 10 MB


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
