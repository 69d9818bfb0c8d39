"""What is checked before a job goes to a job server."""

from pathlib import Path

import pytest

from fitfeed.schemas.errors import RemoteError, UsageError
from tests.beam_jobs.engines.checked import EXTERNAL, check


def test_a_job_server_that_does_not_answer(closed: str) -> None:
    with pytest.raises(
        RemoteError, match=rf"the job server cannot be reached at {closed}: .* correct -- --job_endpoint"
    ):
        check("flink", f"--job_endpoint={closed}", *EXTERNAL)
    with pytest.raises(UsageError, match=r"--job_endpoint takes HOST:PORT.* Received: somewhere"):
        check("PortableRunner", "--job_endpoint=somewhere", *EXTERNAL)


@pytest.mark.parametrize(
    ("runner", "option", "jar"),
    [
        ("flink", "flink_master", "flink_job_server_jar"),
        ("spark", "spark_master_url", "spark_job_server_jar"),
    ],
)
def test_a_cluster_that_does_not_answer(
    tmp_path: Path, closed: str, runner: str, option: str, jar: str
) -> None:
    (tmp_path / "jar").touch()
    with pytest.raises(RemoteError, match=rf"the cluster cannot be reached at {closed}"):
        check(runner, f"--{jar}={tmp_path / 'jar'}", f"--{option}=spark://{closed}", *EXTERNAL)


def test_workers_without_fitfeed_are_refused(server: str) -> None:
    endpoint = f"--job_endpoint={server}"
    with pytest.raises(UsageError, match="Beam's own container, which has no fitfeed"):
        check("PortableRunner", endpoint)
    for given in (
        ["--environment_config=mine:1"],
        ["--environment_type=DOCKER", "--environment_options=docker_container_image=mine:1"],
    ):
        assert check("PortableRunner", endpoint, *given) == []
    assert check("prism", endpoint) == []  # in this process


def test_a_pool_of_workers_that_does_not_answer_is_a_warning(server: str, closed: str) -> None:
    given = [f"--job_endpoint={server}", *EXTERNAL]
    (warning,) = check("PortableRunner", *given, f"--environment_config={closed}")
    port = closed.partition(":")[2]
    assert warning.startswith(f"no pool of workers answers at {closed} (Connection refused)")
    assert warning.endswith(f"worker_pool_main --service_port={port}")
    assert check("PortableRunner", *given, f"--environment_config={server}") == []


def test_a_pool_of_workers_without_an_address_is_refused(server: str) -> None:
    given = [f"--job_endpoint={server}", *EXTERNAL]
    with pytest.raises(
        UsageError, match=r"no address of one is given\. Start one: .* -- --environment_config=HOST:50000"
    ):
        check("PortableRunner", *given)
    assert check("PortableRunner", *given, f"--environment_options=external_service_address={server}") == []


def test_flink_is_warned_of_if_nobody_says_how_many_workers(server: str) -> None:
    given = [f"--job_endpoint={server}", *EXTERNAL, f"--environment_config={server}"]
    (warning,) = check("flink", *given)
    assert warning.startswith("Flink writes one shard at a time")
    assert warning.endswith("-- --parallelism=N")
    assert check("flink", *given, "--parallelism=1") == []
    assert check("PortableRunner", *given) == []


def test_folders_are_warned_of_where_workers_may_be_elsewhere(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = [f"--job_endpoint={server}", *EXTERNAL, f"--environment_config={server}", "--parallelism=2"]
    assert check("flink", *given, dataset=str(tmp_path)) == []
    monkeypatch.setattr("fitfeed.beam_jobs.engines.endpoint.Endpoint.is_here", False)
    (warning,) = check("flink", *given, dataset=str(tmp_path))
    assert warning == (
        f"DATASET {tmp_path} is a folder of this machine, and workers of {server} may be on other machines: "
        "each of them must see it under this path, as on a network file system"
    )
    assert check("flink", *given) == []
