"""Servers that answer, servers that are gone, and a project of Google Cloud."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.beam_jobs.engines.google_cloud import GoogleCloud, write_wheel
from tests.servers.dataflow_service import DataflowService, make_private_key, write_service_account
from tests.servers.stores import Store, StoreServers

SPEED = 100
"""How much faster Beam waits for a job than for the real service, which it asks every five seconds."""


@pytest.fixture
def server() -> Iterator[str]:
    """Something on this machine that accepts connections."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def closed() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits of Beam's Dataflow runner are short."""
    faster = SimpleNamespace(time=time.time, sleep=lambda seconds: time.sleep(seconds / SPEED))
    monkeypatch.setattr("apache_beam.runners.dataflow.dataflow_runner.time", faster)


@pytest.fixture(scope="session")
def private_key() -> str:
    """A key of a service account."""
    return make_private_key()


@pytest.fixture
def google(
    store: Store,
    store_servers: StoreServers,
    private_key: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[GoogleCloud]:
    """A project of Google Cloud, which the environment names."""
    from apache_beam.internal.gcp import auth

    memory = store_servers._started["gs"].memory
    assert memory is not None
    monkeypatch.setattr(memory.json, "permissions", memory.json.permissions)
    service = DataflowService()
    account = tmp_path / "account.json"
    write_service_account(account, private_key=private_key, port=service.port)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(account))
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{store.proxy.port}")
    monkeypatch.setattr(auth._Credentials, "_credentials_init", False)  # it looks once in a process
    # Else google-auth asks Google itself where this account may be used.
    asking = "google.auth.credentials.CredentialsWithRegionalAccessBoundary"
    monkeypatch.setattr(f"{asking}._is_regional_access_boundary_lookup_required", lambda _: False)
    arguments = [
        "--project=test-project",
        "--region=us-central1",
        f"--temp_location={store.address}/tmp",
        f"--staging_location={store.address}/staging",
        f"--dataflow_endpoint={service.endpoint}",
        f"--extra_package={write_wheel(tmp_path)}",
        "--experiments=disable_logging_submission_environment",  # a list of packages, which takes pip a second
    ]
    yield GoogleCloud(store, memory, service, arguments)
    for thread in threading.enumerate():
        if "poll_for_job_completion" in thread.name:  # Beam looks once more after a job has ended
            thread.join(30)
    service.close()
    socket.setdefaulttimeout(None)  # Beam sets it for the whole process
