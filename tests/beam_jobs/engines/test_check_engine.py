"""What is checked before launch, whatever the engine: each mistake is one line that says what to do."""

import importlib.util
from pathlib import Path

import pytest
from apache_beam.options.pipeline_options import StandardOptions

from fitfeed.beam_jobs import plan_conversion
from fitfeed.beam_jobs.engines.executables import EXECUTABLES
from fitfeed.schemas.errors import UsageError
from tests.beam_jobs.engines.checked import EXTERNAL, check


@pytest.mark.parametrize(
    ("runner", "arguments"),
    [
        ("DirectRunner", []),
        ("directrunner", []),
        ("direct", []),
        ("apache_beam.runners.DirectRunner", []),
        ("apache_beam.runners.direct.direct_runner.SwitchingDirectRunner", []),
        ("TestDirectRunner", []),
        ("FlinkRunner", ["--runner=DirectRunner"]),
    ],
)
def test_direct_runner_is_answered_with_a_hint(runner: str, arguments: list[str]) -> None:
    with pytest.raises(UsageError, match="Use --runner local"):
        check(runner, *arguments)


@pytest.mark.parametrize(
    ("runner", "option"),
    [
        ("prism", "prism_location"),
        ("PrismRunner", "prism_location"),
        ("flink", "flink_job_server_jar"),
        ("SparkRunner", "spark_job_server_jar"),
        ("KafkaStreamsRunner", "kafka_streams_job_server_jar"),
    ],
)
def test_no_runner_downloads_an_executable(tmp_path: Path, server: str, runner: str, option: str) -> None:
    for given in ([], [f"--{option}=https://example.com/it.zip"], [f"--{option}={tmp_path}"]):
        with pytest.raises(UsageError, match=f"-- --{option}=FILE"):
            check(runner, *given)
    (tmp_path / "it").touch()
    assert check(runner, f"--{option}={tmp_path / 'it'}", "--environment_type=LOOPBACK") == []
    assert check(runner, f"--job_endpoint={server}", "--environment_type=LOOPBACK") == []
    assert check("local") == []


def test_the_runners_with_executables_are_all_of_beams() -> None:
    """A release of Beam that starts something else must be looked at."""
    starters = {
        path.rsplit(".", 1)[1]
        for path in StandardOptions.ALL_KNOWN_RUNNERS
        if path.startswith("apache_beam.runners.portability.")
    }
    assert starters - {"FnApiRunner", "PortableRunner"} == set(EXECUTABLES)


def test_a_runner_that_nobody_knows_is_answered_with_those_there_are() -> None:
    with pytest.raises(UsageError) as caught:
        check("dusk")
    assert str(caught.value) == (
        "--runner dusk is not known. Choose local, dataflow, flink, spark, dask, prism, or the name of a runner of Beam,"
        " such as PortableRunner."
    )


@pytest.mark.parametrize("runner", ["NoSuchRunner", "no.such.Runner", "json.NoSuchRunner"])
def test_unknown_runner(few_photos: Path, tmp_path: Path, runner: str) -> None:
    with pytest.raises(UsageError, match=runner.rsplit(".", maxsplit=1)[0]):
        plan_conversion(few_photos, tmp_path / "dataset", runner=runner)
    assert not (tmp_path / "dataset").exists()


def test_warnings_are_those_of_the_plan(
    few_photos: Path, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fitfeed.beam_jobs.engines.endpoint.Endpoint.is_here", False)
    planned = plan_conversion(
        few_photos,
        tmp_path / "dataset",
        runner="flink",
        runner_arguments=[
            f"--job_endpoint={server}",
            *EXTERNAL,
            "--environment_config=pool:50000",
            "--parallelism=2",
        ],
    )
    assert [line.split()[0] for line in planned.plan.warnings] == ["DATASET", "SOURCE"]


@pytest.mark.skipif(importlib.util.find_spec("apitools") is None, reason="apache-beam[gcp] is not installed")
def test_dataflow_takes_no_folder(tmp_path: Path) -> None:
    arguments = ["--project=my-project", "--region=us-central1", "--temp_location=gs://some-bucket/tmp"]
    with pytest.raises(
        UsageError, match=r"is a folder of this machine, and workers of Dataflow cannot see it\. Use a place"
    ):
        check("dataflow", *arguments, dataset=str(tmp_path))


@pytest.mark.skipif(importlib.util.find_spec("dask") is None, reason="fitfeed[dask] is not installed")
def test_a_misspelled_option_is_refused_where_no_job_server_may_know_it(server: str) -> None:
    with pytest.raises(UsageError, match="Beam does not know --dask_npartitons, and would ignore it"):
        check("dask", "--dask_npartitons=3")
    assert check("dask", "--dask_npartitions=3") == []
    assert (
        check("flink", f"--job_endpoint={server}", "--environment_type=LOOPBACK", "--of_the_server=3") == []
    )
