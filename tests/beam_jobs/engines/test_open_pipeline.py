"""What Beam makes of a runner and its options, and what it refuses."""

from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from fitfeed.beam_jobs.engines.open_pipeline import open_pipeline, open_runner
from fitfeed.schemas.errors import UsageError
from tests.beam_jobs.engines.checked import check


@pytest.mark.parametrize(
    ("runner", "hidden", "command"),
    [
        ("dask", "distributed", r"pip install 'fitfeed\[dask\]'"),
        ("DaskRunner", "distributed", r"pip install 'fitfeed\[dask\]'"),
        ("dataflow", "google.cloud.storage", "pip install"),
    ],
)
def test_what_an_engine_needs_is_installed(
    monkeypatch: pytest.MonkeyPatch, runner: str, hidden: str, command: str
) -> None:
    def find_spec(name: str) -> ModuleSpec | None:
        return None if name == hidden else ModuleSpec(name, None)

    monkeypatch.setattr("fitfeed.beam_jobs.engines.open_pipeline.find_spec", find_spec)
    with pytest.raises(
        UsageError, match=rf"--runner {runner} needs {hidden}, which is not installed\. Run: {command}"
    ):
        check(runner)


def test_options_have_their_defaults_and_what_was_given() -> None:
    runner, options, unknown = open_runner("FlinkRunner", ["--parallelism=3", "--such=1"], None)
    assert unknown == ["such"]
    assert type(runner).__name__ == "FlinkRunner"
    assert (options["flink_master"], options["job_endpoint"]) == ("[auto]", None)


def test_what_beam_refuses_is_one_line() -> None:
    with pytest.raises(UsageError) as caught:
        open_pipeline("PortableRunner", ["--environment_type=EXTERNAL"], None).__enter__()
    assert str(caught.value) == (
        "Beam does not accept --runner PortableRunner with these options: "
        "Option external_service_address is required for environment type EXTERNAL."
    )


def test_beam_leaves_no_folder_of_a_pipeline_that_never_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with open_pipeline("FlinkRunner", [], None) as pipeline:
        assert [path.name for path in tmp_path.iterdir()] == [Path(pipeline.local_tempdir).name]
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("runner", "option", "reason"),
    [
        ("dataflow", "--num_workers=many", "argument --num_workers: invalid int value: 'many'"),
        ("flink", "--flink_version=0", "argument --flink_version: invalid choice: '0'"),
    ],
)
def test_options_that_beam_cannot_read_are_one_line(
    capfd: pytest.CaptureFixture[str], runner: str, option: str, reason: str
) -> None:
    with pytest.raises(UsageError) as caught:
        check(runner, option)
    (line,) = str(caught.value).split("\n")
    assert line.startswith(f"Beam cannot read the options after --: {reason}")
    assert capfd.readouterr() == ("", "")
