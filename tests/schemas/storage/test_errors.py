"""Errors of stores say what was answered and what to do, and show no secret."""

import errno
import json
import traceback
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from obstore.exceptions import GenericError

from fitfeed.schemas.storage import clients
from fitfeed.schemas.storage.address import Bucket
from fitfeed.schemas.storage.again import BrokenOffError
from fitfeed.schemas.storage.errors import store_error
from fitfeed.schemas.storage.open_place import open_place
from fitfeed.schemas.storage.place import Place
from tests.schemas.storage.answering_server import SECRET, answering

BUCKETS = iter(f"bucket-{number}" for number in range(1000))
"""Clients are kept by their bucket, so each test has its own."""


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIA",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_SESSION_TOKEN": SECRET,
        "AZURE_STORAGE_ACCOUNT_NAME": "account",
        "AZURE_STORAGE_SAS_TOKEN": f"sv=2024&sig={SECRET}",
        "GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps(
            {"disable_oauth": True, "client_email": "", "private_key": SECRET, "private_key_id": ""}
        ),
    }.items():
        monkeypatch.setenv(name, value)
    quick = {"init_backoff": timedelta(milliseconds=1), "max_backoff": timedelta(milliseconds=2), "base": 2}
    monkeypatch.setitem(clients.RETRIES, "max_retries", 2)
    monkeypatch.setitem(clients.RETRIES, "backoff", quick)


def at(url: str, scheme: str, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv(
        {"s3": "AWS_ENDPOINT_URL", "gs": "GOOGLE_BASE_URL", "az": "AZURE_STORAGE_ENDPOINT"}[scheme], url
    )
    return open_place(f"{scheme}://{next(BUCKETS)}/flowers", "SOURCE")


def failure(act: Callable[[], Any]) -> OSError:
    """The error of an act, which must not show a secret anywhere."""
    with pytest.raises(OSError) as caught:  # noqa: PT011 (each test checks what it says)
        act()
    shown = "".join(traceback.format_exception(caught.value))
    assert SECRET not in shown
    assert "sig=" not in shown
    return caught.value


def reason(error: OSError) -> str:
    assert error.strerror is not None
    return error.strerror


@pytest.mark.parametrize("scheme", ["s3", "gs", "az"])
def test_every_answer_has_its_kind_of_error(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for status, kind, number in (
        (403, PermissionError, errno.EACCES),
        (401, PermissionError, errno.EACCES),
        (404, FileNotFoundError, errno.ENOENT),
        (400, OSError, errno.EREMOTEIO),
        (500, OSError, errno.EREMOTEIO),
        (503, OSError, errno.EREMOTEIO),
        (429, OSError, errno.EREMOTEIO),
    ):
        with answering(status) as url:
            place = at(url, scheme, monkeypatch)
            for error in map(failure, acts_on(place)):
                assert isinstance(error, kind)
                assert error.errno == number
                assert str(place) in error.filename
                if status in (500, 503, 429):
                    assert f"status {status}" in reason(error)
                    assert "3 times in 0 s" in reason(error)


def acts_on(place: Place) -> list[Callable[[], Any]]:
    return [
        lambda: place.find("a"),
        lambda: place.read("a", at_most=10),
        lambda: place.write("a", b"x"),
        lambda: list(place.files(deep=True)),
        lambda: list(place.files()),
        place.folders,
    ]


@pytest.mark.parametrize(
    ("scheme", "read", "write"),
    [
        ("s3", "s3:GetObject", "s3:PutObject"),
        ("gs", "storage.objects.get", "storage.objects.create"),
        ("az", "the role Storage Blob Data Reader", "the role Storage Blob Data Contributor"),
    ],
)
def test_a_refusal_names_the_permission(
    scheme: str, read: str, write: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(403) as url:
        place = at(url, scheme, monkeypatch)
        assert f"To read, the credentials need {read}" in reason(failure(lambda: place.read("a", at_most=1)))
        assert "(403, SomeCode)" in reason(failure(lambda: place.read("a", at_most=1)))
        assert f"the credentials need {write}" in reason(failure(lambda: place.write("a", b"")))


def test_a_missing_bucket_is_called_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(404, b"<Error><Code>NoSuchBucket</Code></Error>") as url:
        place = at(url, "s3", monkeypatch)
        assert reason(failure(lambda: place.read("a", at_most=1))) == "there is no bucket of this name"
    with answering(404, b"<Error><Code>NoSuchKey</Code></Error>") as url:
        place = at(url, "s3", monkeypatch)
        assert reason(failure(lambda: place.read("a", at_most=1))) == "there is no object of this name"


def test_a_server_that_is_not_there_is_named_with_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(200) as url:
        pass
    error = failure(lambda: at(url, "s3", monkeypatch).find("a"))
    assert error.errno == errno.ETIMEDOUT
    assert "could not be reached" in reason(error)
    assert "3 times in 0 s" in reason(error)


def test_missing_credentials_have_a_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    with answering(404) as url:
        monkeypatch.setenv("AWS_METADATA_ENDPOINT", url)
        error = failure(lambda: at(url, "s3", monkeypatch).find("a"))
    assert isinstance(error, PermissionError)
    assert "no credentials for s3:// were found" in reason(error)
    assert "AWS_SKIP_SIGNATURE=true" in reason(error)
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME")
    assert "Set AZURE_STORAGE_ACCOUNT_NAME" in reason(failure(lambda: at(url, "az", monkeypatch).find("a")))


def test_http_must_be_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    place = at("http://minio.example:9000", "s3", monkeypatch)
    assert "set AWS_ALLOW_HTTP=true" in reason(failure(lambda: place.find("a")))


@pytest.mark.parametrize(
    "text",
    [
        f"Generic S3 error: Error performing GET https://b.example/k?X-Amz-Signature={SECRET} in 1s, after 10 retries, max_retries: 10 - HTTP error",
        f"Generic MicrosoftAzure error: https://user:{SECRET}@a.example/c?sig={SECRET} - Server returned non-2xx status code: 400 Bad Request: {SECRET}",
        f"Generic GCS error: Bearer {SECRET}",
        f"anything <Code>{SECRET}-</Code>",
    ],
)
def test_whatever_the_client_says_is_not_repeated(text: str) -> None:
    error = store_error(GenericError(text), Bucket("s3", "bucket"), "read", "s3://bucket/k")
    assert SECRET not in str(error)
    assert "s3://bucket/k" in str(error)


@pytest.mark.parametrize(
    ("tried", "may_go_on"),
    [
        ("", True),
        (" in 12.5ms, after 1 retries, max_retries: 10, retry_timeout: 180s ", True),
        (" in 170.2s, after 4 retries, max_retries: 10, retry_timeout: 180s ", False),
        (" in 3.2s, after 10 retries, max_retries: 10, retry_timeout: 180s ", False),
    ],
)
def test_a_break_after_retries_is_final_only_where_the_client_has_given_up(
    tried: str, may_go_on: bool
) -> None:
    text = f"Generic S3 error: Error performing PUT https://b.example/k{tried}- HTTP error: error sending request"
    error = store_error(GenericError(text), Bucket("s3", "bucket"), "write", "s3://bucket/k")
    assert isinstance(error, BrokenOffError) is may_go_on
