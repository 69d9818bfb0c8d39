"""Jobs on a stand-in for Dataflow: asked for, run from what was staged, failed, and cancelled."""

import json
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from fitfeed.beam_jobs import convert
from fitfeed.beam_jobs.engines.dataflow import DATAFLOW
from fitfeed.beam_jobs.remote import start_job
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.planning.plan import make_plan
from fitfeed.converters.sources.given_source import given_sources
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.staging import Staging
from fitfeed.schemas.errors import InterruptedConversionError, RemoteError
from fitfeed.schemas.side_tables import SIDE_TABLES
from fitfeed.schemas.storage.open_place import open_place
from tests import without_beam
from tests.beam_jobs.engines.google_cloud import GoogleCloud, run_staged

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("impatient")]

OPTIONS = ConvertOptions(shards=3, size=(32, 32))


@pytest.fixture
def photos(google: GoogleCloud, few_photos: Path) -> str:
    """Eight photographs in the bucket."""
    for path in sorted(few_photos.rglob("*.jpg")):
        google.bucket.put(f"photos/{path.relative_to(few_photos)}", path.read_bytes(), {})
    return f"{google.store.address}/photos"


@pytest.fixture
def planned(google: GoogleCloud, photos: str) -> tuple[WorkFolder, Job]:
    """A job that is ready to be launched."""
    dataset = open_place(f"{google.store.address}/flowers", "DATASET")
    work = Staging(dataset).prepare(make_plan(given_sources(photos), OPTIONS), timeout_s=300)
    return work, work.read_job()


def files_of(google: GoogleCloud, dataset: str) -> dict[str, bytes]:
    """The files of a dataset by name, but the tables beside it that are not a part of it."""
    names = [name.removeprefix(f"{dataset}/") for name in google.names(f"{dataset}/")]
    return {
        name: google.read(f"{google.store.address}/{dataset}/{name}")
        for name in names
        if name not in SIDE_TABLES
    }


def test_a_conversion_on_dataflow_writes_the_bytes_of_a_local_one(google: GoogleCloud, photos: str) -> None:
    google.service.run = google.run
    given: dict[str, Any] = {"runner": "dataflow", "runner_arguments": google.arguments}
    result = convert(photos, f"{google.store.address}/far", OPTIONS, **given)
    assert sum(split.examples for split in result.manifest.splits.values()) == 8
    without_beam.convert(photos, f"{google.store.address}/near", OPTIONS)
    assert files_of(google, "far") == files_of(google, "near")
    (asked,) = google.service.created
    assert asked["type"] == 1  # a batch
    again = convert(photos, f"{google.store.address}/far", OPTIONS, **given)
    assert again.up_to_date
    assert len(google.service.created) == 1


def test_what_is_asked_for(google: GoogleCloud, planned: tuple[WorkFolder, Job]) -> None:
    more = ["--machine_type=n2-standard-4", "--max_num_workers=50", "--disk_size_gb=50", "--job_name=flowers"]
    with start_job("dataflow", [*google.arguments, *more], *planned, timeout_s=300) as job:
        assert job.wait(60)
        assert job.name == "Dataflow job job-1"
    (asked,) = google.service.created
    assert asked["name"] == "flowers"
    (pool,) = asked["environment"]["workerPools"]
    assert pool["machineType"] == "n2-standard-4"
    assert pool["autoscalingSettings"]["maxNumWorkers"] == 50
    assert pool["diskSizeGb"] == 50
    packages = {each["name"]: each["location"] for each in pool["packages"]}
    assert {"requirements.txt", "extra_packages.txt"} < packages.keys()
    assert not [name for name in packages if "session" in name]
    for name, location in packages.items():
        assert location.endswith(f"/{name}")
        assert google.read(location.replace("storage.googleapis.com/", "gs://"))


def test_a_template_is_staged_and_runs_from_there(
    google: GoogleCloud, planned: tuple[WorkFolder, Job]
) -> None:
    """What `--template_location` saves is what the service would be sent."""
    from fitfeed.beam_jobs.pipeline import build

    work, job = planned
    address = f"{google.store.address}/templates/job.json"
    arguments = DATAFLOW.complete([*google.arguments, f"--template_location={address}"], job.shards)
    pipeline = beam.Pipeline(options=PipelineOptions([f"--runner={DATAFLOW.runner}", *arguments]))
    build(pipeline, work=work, shards=job.shards, timeout_s=300)
    pipeline.run()
    assert google.service.created == []
    template = json.loads(google.read(address))
    options = template["environment"]["sdkPipelineOptions"]["options"]
    assert options["save_main_session"] is False
    run_staged(google.read(options["pipelineUrl"]))
    outcome = work.read_outcome()
    assert outcome is not None
    assert "flowers/manifest.json" in google.names("flowers/")


TRACEBACK = """Traceback (most recent call last):
  File "/usr/local/lib/python3.11/site-packages/fitfeed/beam_jobs/pipeline.py", line 60, in process
    totals = write()
ValueError: the disk is on fire [while running 'WriteShard-ptransform-12']
"""


def test_a_failed_job_is_one_line_with_its_last_cause(
    google: GoogleCloud, planned: tuple[WorkFolder, Job]
) -> None:
    google.service.states = ["RUNNING", "FAILED"]
    google.service.errors = [
        TRACEBACK,
        "Workflow failed. The work item was attempted 4 times without success.",
    ]
    job = start_job("dataflow", google.arguments, *planned, timeout_s=300)
    with pytest.raises(RemoteError) as caught:
        job.wait(60)
    (line,) = str(caught.value).split("\n")
    assert line.startswith("Dataflow job job-1 failed: ValueError: the disk is on fire. ")
    assert "https://console.cloud.google.com/dataflow/jobs/us-central1/job-1?project=test-project" in line
    assert caught.value.exit_status == 6


def test_a_job_that_someone_else_cancels_is_one_line(
    google: GoogleCloud, planned: tuple[WorkFolder, Job]
) -> None:
    google.service.states = ["RUNNING", "CANCELLED"]
    job = start_job("dataflow", google.arguments, *planned, timeout_s=300)
    with pytest.raises(
        RemoteError, match=r"Dataflow job job-1 failed: somebody has cancelled it.*same command"
    ):
        job.wait(60)


def test_cancelling_reaches_the_service(google: GoogleCloud, planned: tuple[WorkFolder, Job]) -> None:
    google.service.states = ["RUNNING"]
    job = start_job("dataflow", google.arguments, *planned, timeout_s=300)
    assert not job.wait(0.2)
    job.cancel()
    with pytest.raises(InterruptedConversionError):
        job.wait(60)
    asked = "PUT /v1b3/projects/test-project/locations/us-central1/jobs/job-1"
    assert google.service.requests.count(asked) == 1


def test_counters_are_read_while_the_job_runs(google: GoogleCloud, planned: tuple[WorkFolder, Job]) -> None:
    google.service.states = ["RUNNING"]
    job = start_job("dataflow", google.arguments, *planned, timeout_s=300)
    assert job.counters() == {}
    google.service.counted = {"images": 5, "source_bytes": 1 << 40}
    assert job.counters() == google.service.counted
    job.cancel()


def test_a_job_that_is_refused_is_one_line(google: GoogleCloud, planned: tuple[WorkFolder, Job]) -> None:
    google.service.refusal = (403, "Dataflow API has not been used in project test-project before")
    with pytest.raises(RemoteError, match="Dataflow API has not been used in project test-project") as caught:
        start_job("dataflow", google.arguments, *planned, timeout_s=300)
    assert "\n" not in str(caught.value)
