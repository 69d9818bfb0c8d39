"""Runs on Beam's other runners."""

from pathlib import Path

import pytest
from apache_beam.options.pipeline_options import StandardOptions
from typing_extensions import override

from fitfeed.beam_jobs import convert
from fitfeed.beam_jobs.progress import NoProgress
from fitfeed.beam_jobs.remote import EXECUTABLES, check_runner
from fitfeed.converters.options import ConvertOptions
from fitfeed.schemas.errors import UsageError
from tests import without_beam
from tests.folders import contents


@pytest.mark.slow
def test_another_runner_gives_the_same_dataset(clothing: Path, tmp_path: Path) -> None:
    options = ConvertOptions(encoding="raw", size=(16, 16))
    without_beam.convert(clothing / "test", tmp_path / "local", options)
    reports: list[tuple[int, int, int]] = []

    class Progress(NoProgress):
        @override
        def update(self, images: int, rejects: int, source_bytes: int) -> None:
            reports.append((images, rejects, source_bytes))

    convert(
        clothing / "test", tmp_path / "beam", options, runner="BundleBasedDirectRunner", progress=Progress()
    )
    assert contents(tmp_path / "beam") == contents(tmp_path / "local")
    assert reports[-1][:2] == (66, 0)


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
        check_runner(runner, arguments)


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
def test_no_runner_downloads_an_executable(tmp_path: Path, runner: str, option: str) -> None:
    for given in ([], [f"--{option}=https://example.com/it.zip"], [f"--{option}={tmp_path}"]):
        with pytest.raises(UsageError, match=f"-- --{option}=FILE"):
            check_runner(runner, given)
    (tmp_path / "it").touch()
    check_runner(runner, [f"--{option}={tmp_path / 'it'}"])
    check_runner(runner, ["--job_endpoint=localhost:8099"])
    check_runner("local", [])


def test_the_runners_with_executables_are_all_of_beams() -> None:
    """A release of Beam that starts something else must be looked at."""
    starters = {
        path.rsplit(".", 1)[1]
        for path in StandardOptions.ALL_KNOWN_RUNNERS
        if path.startswith("apache_beam.runners.portability.")
    }
    assert starters - {"FnApiRunner", "PortableRunner"} == set(EXECUTABLES)


@pytest.mark.parametrize("runner", ["NoSuchRunner", "no.such.Runner", "json.NoSuchRunner"])
def test_unknown_runner(clothing: Path, tmp_path: Path, runner: str) -> None:
    with pytest.raises(UsageError, match=runner.rsplit(".", maxsplit=1)[0]):
        convert(clothing, tmp_path / "dataset", runner=runner)
    assert not (tmp_path / "dataset").exists()
