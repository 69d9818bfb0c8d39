"""Whether Google Cloud lets this machine in."""

import logging
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from fitfeed.beam_jobs.engines import google_access
from fitfeed.beam_jobs.engines.google_access import require_buckets, require_credentials
from fitfeed.schemas.errors import RemoteError, UsageError
from tests.beam_jobs.engines.google_cloud import GoogleCloud
from tests.servers.network_faults import Fault, Rule, Rules


@pytest.fixture(autouse=True)
def quiet_log() -> Iterator[None]:
    """The level of a log is of the process."""
    yield
    logging.getLogger("google.auth").setLevel(logging.NOTSET)


def options_of(*arguments: str) -> Mapping[str, Any]:
    options: Mapping[str, Any] = PipelineOptions(list(arguments)).get_all_options()
    return options


def the_line(caught: pytest.ExceptionInfo[Exception]) -> str:
    (line,) = str(caught.value).split("\n")
    return line


@pytest.fixture
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without credentials, on which nobody has logged in."""
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("google.auth.compute_engine._metadata._NO_GCE_CHECK", True)


@pytest.mark.usefixtures("no_credentials")
def test_missing_credentials_are_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError) as caught:
        require_credentials(options_of())
    assert the_line(caught) == (
        "no credentials for Google Cloud were found: Your default credentials were not found. Run gcloud auth"
        " application-default login, or let GOOGLE_APPLICATION_CREDENTIALS name the file of a service account."
    )
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("no_credentials")
def test_the_search_for_credentials_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside Google Cloud, packets to the server that knows them are lost on many networks."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr("google.auth.compute_engine._metadata._NO_GCE_CHECK", False)
        monkeypatch.setenv("GCE_METADATA_IP", f"127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setattr(google_access, "MAX_CREDENTIALS_S", 0.1)
        started = time.monotonic()
        with pytest.raises(
            UsageError, match=r"no credentials for Google Cloud were found within .* gcloud auth"
        ):
            require_credentials(options_of())
        assert time.monotonic() - started < 60  # a lost request alone takes 150 s in Beam


@pytest.mark.parametrize("content", ["", "{}", '{"type": "service_account"}'])
def test_a_file_that_has_no_credentials_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "account.json"
    file.write_text(content)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    with pytest.raises(UsageError, match="no credentials for Google Cloud were found"):
        require_credentials(options_of())


def test_a_bucket_that_is_not_there_is_named(google: GoogleCloud) -> None:
    with pytest.raises(UsageError) as caught:
        require_buckets(options_of("--temp_location=gs://no-such-bucket/tmp"))
    assert the_line(caught) == (
        "there is no bucket no-such-bucket, which --temp_location=gs://no-such-bucket/tmp names."
        " Make it: gcloud storage buckets create gs://no-such-bucket"
    )


def test_a_bucket_in_which_nothing_may_be_written_is_named(
    google: GoogleCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(google.memory.json, "permissions", {"storage.buckets.get", "storage.objects.get"})
    with pytest.raises(
        UsageError, match=r"credentials lack storage\.objects\.create on the bucket of --temp_location"
    ):
        require_buckets(options_of(*google.arguments))


@pytest.mark.parametrize(
    ("fault", "error", "expected"),
    [
        ("403", UsageError, "may not be used with these credentials"),
        ("reset", RemoteError, "cannot be reached"),
        ("503", RemoteError, "cannot be reached"),
    ],
)
def test_a_bucket_that_does_not_answer_is_named(
    google: GoogleCloud, monkeypatch: pytest.MonkeyPatch, fault: Fault, error: type[Exception], expected: str
) -> None:
    monkeypatch.setattr(google_access, "MAX_BUCKET_S", 0.5)
    with (
        google.store.proxy.faults(Rules(Rule(fault=fault, path="*testPermissions*", times=None))),
        pytest.raises(error, match=expected) as caught,
    ):
        require_buckets(options_of(*google.arguments))
    the_line(caught)


def test_credentials_that_are_not_accepted_are_one_line(google: GoogleCloud) -> None:
    google.service.refuses_tokens = True
    with pytest.raises(UsageError, match=r"are not accepted: .*invalid_grant.* gcloud auth") as caught:
        require_buckets(options_of(*google.arguments))
    the_line(caught)
