"""Which engine a name means."""

import pytest
from apache_beam.runners.portability.flink_runner import FlinkRunner
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from fitfeed.beam_jobs.engines.known_engines import ENGINES, engine_named, engine_of


@pytest.mark.parametrize(
    ("runner", "name"),
    [
        ("dask", "dask"),
        ("DaskRunner", "dask"),
        ("apache_beam.runners.dask.dask_runner.DaskRunner", "dask"),
        ("Dataflow", "dataflow"),
        ("DATAFLOWRUNNER", "dataflow"),
        ("flink", "flink"),
        ("SparkRunner", "spark"),
        ("prism", "prism"),
        ("PortableRunner", "portable"),
    ],
)
def test_an_engine_has_its_names_and_beams(runner: str, name: str) -> None:
    engine = engine_named(runner)
    assert engine is not None
    assert engine.name == name


@pytest.mark.parametrize("runner", ["local", "FnApiRunner", "TestDataflowRunner", "dask.Other", ""])
def test_others_are_not_known(runner: str) -> None:
    assert engine_named(runner) is None


def test_a_runner_of_beam_is_of_an_engine() -> None:
    class Special(FlinkRunner):
        """A runner of the user's own."""

    found = engine_of(Special())
    assert found is not None
    assert found.name == "flink"
    assert engine_of(FnApiRunner()) is None


def test_help_names_all_engines(capsys: pytest.CaptureFixture[str]) -> None:
    from fitfeed.cli import main

    with pytest.raises(SystemExit):
        main(["convert", "--help"])
    shown = capsys.readouterr().out
    assert all(engine.name in shown for engine in ENGINES if engine.name != "portable")
