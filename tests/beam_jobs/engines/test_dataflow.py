"""What is checked before a job goes to Dataflow."""

import sys
from pathlib import Path

import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from fitfeed.beam_jobs import plan_conversion
from fitfeed.beam_jobs.engines.dataflow import DATAFLOW, check_dataflow
from fitfeed.beam_jobs.engines.launch import Launch
from fitfeed.beam_jobs.engines.open_pipeline import require_installed
from fitfeed.schemas.errors import NotFoundError, UsageError
from fitfeed.schemas.storage.open_place import open_place
from tests.beam_jobs.engines.checked import check
from tests.beam_jobs.engines.google_cloud import GoogleCloud
from tests.servers.network_faults import Rules

GIVEN = {"project": "my-project-1", "region": "us-central1", "temp_location": "gs://my-bucket/tmp"}
REMEDY = "Give it, as -- --"


def launch(
    *arguments: str, dataset: str = "gs://a-bucket/flowers", source: str = "gs://a-bucket/photos"
) -> Launch:
    options = PipelineOptions(list(arguments)).get_all_options()
    places = open_place(dataset, "DATASET"), [open_place(source, "SOURCE")]
    return Launch(runner="dataflow", options=options, dataset=places[0], sources=places[1])


def refusal(launched: Launch) -> str:
    with pytest.raises(UsageError) as caught:
        check_dataflow(launched)
    (line,) = str(caught.value).split("\n")
    return line


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"project": None}, f"--project is missing. {REMEDY}project=my-project-123"),
        ({"project": "123456"}, "Received: 123456"),  # the number of a project
        ({"project": "My Project"}, "Received: My Project"),
        (
            {"region": "us-central1-a"},
            "--region must be a region, such as us-central1. Received: us-central1-a",
        ),
        ({"temp_location": None}, f"--temp_location is missing. {REMEDY}temp_location=gs://my-bucket/tmp"),
        ({"temp_location": "gs://my-bucket"}, "such as gs://my-bucket/tmp. Received: gs://my-bucket"),
        ({"temp_location": "/tmp/here"}, "Received: /tmp/here"),
        ({"temp_location": "s3://my-bucket/tmp"}, "Received: s3://my-bucket/tmp"),
        ({"staging_location": "gs://My-Bucket/st"}, "--staging_location must be a place in a bucket"),
        ({"template_location": "gs://my-bucket/t"}, "--template_location cannot be used"),
        ({"dry_run": "True"}, "give --dry-run before the --"),
    ],
)
def test_options_that_dataflow_needs_are_named(given: dict[str, str | None], expected: str) -> None:
    values = {**GIVEN, **given}
    assert expected in refusal(launch(*(f"--{name}={value}" for name, value in values.items() if value)))


@pytest.mark.parametrize("option", ["--max_num_worker=5", "--max_workers=5", "--machine=n2-standard-4"])
def test_a_misspelled_option_is_refused(google: GoogleCloud, option: str) -> None:
    """Beam says in its log only that it ignores it, and starts as many workers as it likes."""
    with pytest.raises(
        UsageError, match=f"Beam does not know {option.partition('=')[0]}, and would ignore it"
    ):
        check("dataflow", *google.arguments, option)
    assert check("dataflow", *google.arguments, "--max_num_workers=5", "--machine_type=n2-standard-4") == []


def test_the_main_session_is_not_pickled() -> None:
    assert "--save_main_session cannot be used" in refusal(launch("--save_main_session"))


def test_a_region_may_come_from_the_environment(
    google: GoogleCloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    arguments = [each for each in google.arguments if not each.startswith("--region")]
    monkeypatch.setenv("CLOUDSDK_COMPUTE_REGION", "europe-west4")
    assert check_dataflow(launch(*arguments)) == []
    monkeypatch.delenv("CLOUDSDK_COMPUTE_REGION")
    monkeypatch.setenv("PATH", str(tmp_path))  # without gcloud
    assert "--region is missing" in refusal(launch(*arguments))


@pytest.mark.parametrize("module", DATAFLOW.modules)
def test_the_extra_is_asked_for(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    require_installed(DATAFLOW, "dataflow")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UsageError, match=r"Run: pip install 'fitfeed\[dataflow\]'"):
        require_installed(DATAFLOW, "dataflow")


def test_what_is_on_this_machine_is_refused(google: GoogleCloud) -> None:
    for place in ({"dataset": "flowers"}, {"source": "photos"}):
        line = refusal(launch(*google.arguments, **place))
        assert "is a folder of this machine" in line
        assert "gs://my-bucket/flowers" in line
        assert next(iter(place)).upper() in line


def test_fitfeed_that_workers_cannot_install_is_refused(google: GoogleCloud) -> None:
    arguments = [each for each in google.arguments if not each.startswith("--extra_package")]
    assert "-- --extra_package=dist/fitfeed-" in refusal(launch(*arguments))


def test_nothing_is_listed_before_all_is_checked(google: GoogleCloud) -> None:
    address = google.store.address
    with google.store.proxy.faults(Rules()) as log:
        with pytest.raises(UsageError, match="--project is missing"):
            plan_conversion(f"{address}/photos", f"{address}/flowers", runner="dataflow")
        assert log == []
        with pytest.raises(NotFoundError):
            plan_conversion(
                f"{address}/photos",
                f"{address}/flowers",
                runner="dataflow",
                runner_arguments=google.arguments,
            )
    asked = ["check" if "testPermissions" in each.asked.path else each.asked.query for each in log]
    first = next(place for place, query in enumerate(asked) if "prefix=photos" in query)
    assert "check" in asked[:first]
    assert "check" not in asked[first:]


def test_everything_is_there(google: GoogleCloud) -> None:
    assert check_dataflow(launch(*google.arguments)) == []
    assert google.service.created == []
    assert google.names("") == []
