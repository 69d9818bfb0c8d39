"""A client belongs to the process that made it."""

import json
import sys
from pathlib import Path

import pytest

from fitfeed.schemas.storage.address import Bucket
from fitfeed.schemas.storage.clients import client_of
from tests.programs import run_program


def test_a_forked_child_is_told_to_be_spawned() -> None:
    program = """
import os
from fitfeed.schemas.storage.open_place import open_place

place = open_place("memory://bucket/flowers", "DATASET")
place.write("a", b"x")
if os.fork() == 0:
    acts = [lambda: place.read("a", at_most=1), lambda: list(place.files()), lambda: place.write("b", b"")]
    for act in acts:
        try:
            act()
        except OSError as error:
            print(error.filename, error.strerror, flush=True)
    os._exit(0)
os.wait()
print(place.read("a", at_most=1)[0])
"""
    lines = run_program(program).splitlines()
    assert len(lines) == 4
    assert all(
        'multiprocessing_context="spawn"' in line and "memory://bucket/flowers" in line for line in lines[:3]
    )
    assert lines[3] == "b'x'"


def test_a_child_that_was_forked_before_the_first_request_reads() -> None:
    program = """
import os
from fitfeed.schemas.storage.open_place import open_place

place = open_place("memory://bucket/flowers", "DATASET")
if os.fork() == 0:
    place.write("a", b"x")
    print(place.read("a", at_most=1)[0], flush=True)
    os._exit(0)
os.wait()
"""
    assert run_program(program) == "b'x'\n"


@pytest.fixture
def credentials_of_another_cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "credentials.json"
    file.write_text(json.dumps({"type": "external_account", "audience": "x"}))
    monkeypatch.delenv("GOOGLE_SERVICE_ACCOUNT_KEY", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))


@pytest.mark.usefixtures("credentials_of_another_cloud")
def test_credentials_of_another_cloud_are_checked_by_google_auth() -> None:
    pytest.importorskip("google.auth", reason="google-auth is not installed")
    with pytest.raises(PermissionError, match="is not accepted"):
        client_of(Bucket("gs", "bucket-of-another-cloud"), "gs://bucket-of-another-cloud/a")


@pytest.mark.usefixtures("credentials_of_another_cloud")
def test_credentials_of_another_cloud_need_google_auth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.auth.exceptions", None)
    with pytest.raises(PermissionError, match="install google-auth and requests"):
        client_of(Bucket("gs", "bucket-of-another-cloud"), "gs://bucket-of-another-cloud/a")


def test_certificates_that_are_not_there_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nowhere/ca.pem")
    with pytest.raises(PermissionError, match=r"AWS_CA_BUNDLE /nowhere/ca\.pem cannot be read") as caught:
        client_of(Bucket("s3", "bucket-of-a-company"), "s3://bucket-of-a-company/a")
    assert caught.value.filename == "s3://bucket-of-a-company/a"


def test_one_client_a_bucket() -> None:
    first = client_of(Bucket("memory", "one"), "memory://one")
    assert client_of(Bucket("memory", "one"), "memory://one") is first
    assert client_of(Bucket("memory", "two"), "memory://two") is not first
