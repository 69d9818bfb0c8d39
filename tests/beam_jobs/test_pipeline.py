"""The graph: what Dataflow would get, and that other runners give the same dataset."""

import itertools
from pathlib import Path
from typing import Any

import apache_beam as beam
import psutil
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_runner_api_pb2

from fitfeed.beam_jobs import convert
from fitfeed.beam_jobs.pipeline import MergeTotals, build
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.schemas.errors import UsageError
from tests.folders import contents

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
    build(pipeline, work=WorkFolder(Path("/datasets/flowers"), "job"), shards=SHARDS)
    return pipeline.run().job.proto_pipeline


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


def test_another_runner_gives_the_same_dataset(clothing: Path, tmp_path: Path) -> None:
    options = ConvertOptions(encoding="raw", size=(16, 16))
    convert(clothing / "test", tmp_path / "local", options)
    reports: list[tuple[int, int, int]] = []

    class Progress:
        def start(self, *, images: int, shards: int) -> None:
            pass

        def update(self, images: int, rejects: int, source_bytes: int) -> None:
            reports.append((images, rejects, source_bytes))

    convert(
        clothing / "test", tmp_path / "beam", options, runner="BundleBasedDirectRunner", progress=Progress()
    )
    assert contents(tmp_path / "beam") == contents(tmp_path / "local")
    assert reports[-1][:2] == (66, 0)


@pytest.mark.parametrize("runner", ["DirectRunner", "directrunner"])
def test_direct_runner_is_answered_with_a_hint(clothing: Path, tmp_path: Path, runner: str) -> None:
    with pytest.raises(UsageError, match="Use --runner local"):
        convert(clothing, tmp_path / "dataset", runner=runner)


def test_unknown_runner(clothing: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="NoSuchRunner"):
        convert(clothing, tmp_path / "dataset", runner="NoSuchRunner")
    assert not (tmp_path / "dataset").exists()


def test_local_run_opens_no_port(clothing: Path, tmp_path: Path) -> None:
    watch = _PortWatch()
    convert(clothing, tmp_path / "dataset", ConvertOptions(encoding="raw", size=(8, 8)), progress=watch)
    assert watch.looked > 0
    assert watch.opened == set()


def _listening_ports() -> set[int]:
    return {c.laddr.port for c in psutil.Process().net_connections("tcp") if c.status == psutil.CONN_LISTEN}


class _PortWatch:
    def __init__(self) -> None:
        self._before = _listening_ports()
        self.opened: set[int] = set()
        self.looked = 0

    def start(self, *, images: int, shards: int) -> None:
        pass

    def update(self, images: int, rejects: int, source_bytes: int) -> None:
        self.looked += 1
        self.opened |= _listening_ports() - self._before
