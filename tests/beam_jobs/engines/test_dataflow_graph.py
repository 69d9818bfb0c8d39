"""The graph as Dataflow would receive it. Nothing is submitted."""

import base64
import bz2
import itertools
import pickle
import pickletools
from collections.abc import Iterator
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_runner_api_pb2 as api

from fitfeed.beam_jobs.engines import dataflow_packages
from fitfeed.beam_jobs.engines.dataflow import DATAFLOW
from fitfeed.beam_jobs.pipeline import build
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.planning.plan import make_plan
from fitfeed.converters.shards.write_shard import write_shard
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.staging import open_staging
from fitfeed.schemas.storage.local import LocalPlace
from fitfeed.schemas.storage.open_place import open_place
from tests.beam_jobs.engines.google_cloud import write_wheel

MOVES_DATA = ("beam:transform:group_by_key:v1", "beam:transform:reshuffle:v1")
MAX_GRAPH_BYTES = 1_000_000  # Dataflow takes about 10 MB


def graph_of(shards: int, *given: str) -> api.Pipeline:
    arguments = [
        "--dry_run=True",
        "--project=test-project",
        "--region=us-central1",
        "--temp_location=gs://some-bucket/tmp",
        "--staging_location=gs://some-bucket/staging",
        "--experiments=disable_logging_submission_environment",  # a list of packages, for Google's support
        *given,
    ]
    options = [f"--runner={DATAFLOW.runner}", *DATAFLOW.complete(arguments, shards)]
    pipeline = beam.Pipeline(options=PipelineOptions(options))
    work = WorkFolder(open_place("gs://some-bucket/flowers", "DATASET"), "job", "seal")
    build(pipeline, work=work, shards=shards, timeout_s=300)
    graph: api.Pipeline = pipeline.run().job.proto_pipeline
    return graph


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> api.Pipeline:
    """That of five shards."""
    wheel = write_wheel(tmp_path_factory.mktemp("dist"))
    return graph_of(5, f"--extra_package={wheel}")


def dependencies(graph: api.Pipeline) -> dict[str, bytes]:
    """What workers install: files of this machine by the names that they get."""
    (environment,) = graph.components.environments.values()
    return {
        api.ArtifactStagingToRolePayload.FromString(each.role_payload).staged_name: Path(
            api.ArtifactFilePayload.FromString(each.type_payload).path
        ).read_bytes()
        for each in environment.dependencies
    }


def functions(graph: api.Pipeline) -> dict[str, bytes]:
    """The functions of all steps, as they are pickled."""
    return {
        each.unique_name: bz2.decompress(
            base64.b64decode(api.ParDoPayload.FromString(each.spec.payload).do_fn.payload)
        )
        for each in graph.components.transforms.values()
        if each.spec.urn == "beam:transform:pardo:v1"
    }


def test_two_steps_move_data_and_none_of_them_images(graph: api.Pipeline) -> None:
    moving = {
        each.unique_name
        for each in graph.components.transforms.values()
        if not each.subtransforms and each.spec.urn in MOVES_DATA
    }
    # One spreads shard numbers, the other gathers totals; WriteShard, where images are, lies between.
    assert moving == {"Spread/ReshufflePerKey/GroupByKey", "Merge/CombinePerKey/GroupByKey"}


def test_what_a_shard_hands_on_does_not_grow_with_its_images(few_photos: Path, tmp_path: Path) -> None:
    sizes = []
    for shards in (8, 1):
        with open_staging(LocalPlace(tmp_path / str(shards))) as staging:
            work = staging.prepare(make_plan(few_photos, ConvertOptions(shards=shards)), timeout_s=9)
            totals = write_shard(work, work.read_job(), 0, lambda *_: None)
        sizes.append((totals.bytes, len(pickle.dumps(totals))))
    (few_bytes, few), (many_bytes, many) = sizes
    assert many_bytes > 4 * few_bytes
    assert few <= many <= few + 16
    assert many < 1000


def test_the_graph_is_linear_and_its_steps_have_labels(graph: api.Pipeline) -> None:
    transforms = graph.components.transforms
    roots = [transforms[name] for name in graph.root_transform_ids]
    steps = [transforms[name] for name in roots[0].subtransforms] if len(roots) == 1 else roots
    assert [step.unique_name for step in steps] == ["Shards", "Spread", "WriteShard", "Merge", "Publish"]
    for before, after in itertools.pairwise(steps):
        assert len(before.outputs) == 1
        assert list(after.inputs.values()) == list(before.outputs.values())


def strings(pickled: bytes) -> Iterator[str]:
    return (argument for _, argument, _ in pickletools.genops(pickled) if isinstance(argument, str))


def test_functions_are_sent_by_their_names(graph: api.Pipeline) -> None:
    """Workers find them in fitfeed. So `__main__` is not needed, and what is sent is small."""
    sent = functions(graph)
    assert {"WriteShard", "Publish"} <= sent.keys()
    for name in ("WriteShard", "Publish"):
        assert "__main__" not in strings(sent[name])
        assert "fitfeed.beam_jobs.pipeline" in strings(sent[name])
    assert "_make_function" not in strings(
        sent["WriteShard"]
    )  # what cloudpickle calls for code that it sends
    assert max(map(len, sent.values())) < 10_000


def test_no_session_is_pickled_and_packages_are_pinned(graph: api.Pipeline) -> None:
    staged = dependencies(graph)
    (wheel,) = (name for name in staged if name.endswith(".whl"))
    assert staged.keys() == {wheel, "extra_packages.txt", "requirements.txt"}
    assert staged["extra_packages.txt"].decode().split() == [wheel]
    lines = staged["requirements.txt"].decode().splitlines()
    assert all("==" in line for line in lines)
    assert [line for line in lines if line.startswith("opencv-python-headless==")]


def test_with_an_image_nothing_is_staged() -> None:
    image = "region-docker.pkg.dev/my-project/images/fitfeed:1"
    graph = graph_of(5, f"--sdk_container_image={image}")
    assert dependencies(graph) == {}
    (environment,) = graph.components.environments.values()
    assert api.DockerPayload.FromString(environment.payload).container_image == image


def test_by_name_and_version_where_an_index_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataflow_packages, "_comes_from_an_index", lambda: True)
    lines = dependencies(graph_of(5))["requirements.txt"].decode().splitlines()
    assert lines[0].startswith("fitfeed==")


@pytest.mark.slow
def test_a_graph_of_many_shards_is_hardly_larger(graph: api.Pipeline) -> None:
    many = graph_of(100_000, "--sdk_container_image=image").ByteSize()
    assert many < MAX_GRAPH_BYTES
    assert many < graph.ByteSize() + 1000
