"""Profiles of the AWS command line give credentials, and no message shows one."""

import sys
from pathlib import Path

import pytest

from fitfeed.schemas.storage.aws_profile import BEFORE_PROFILES, read_profile
from fitfeed.schemas.storage.clients import ENDPOINTS
from fitfeed.schemas.storage.open_place import open_place

SECRET = "HUSH"


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", *BEFORE_PROFILES, *ENDPOINTS["s3"]):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    (tmp_path / "credentials").write_text(
        f"""
[default]
aws_access_key_id = DEFAULT
aws_secret_access_key = {SECRET}
[minio]
aws_access_key_id = MINIO
aws_secret_access_key = {SECRET}%a
aws_session_token = token
"""
    )
    (tmp_path / "config").write_text(
        """
[default]
region = eu-west-1
[profile minio]
endpoint_url = http://localhost:9000
region = us-west-2
[profile role]
role_arn = arn:aws:iam::123456789012:role/reader
source_profile = minio
region = eu-north-1
"""
    )
    return tmp_path


def test_the_default_profile_is_used() -> None:
    assert read_profile() == (
        {"region": "eu-west-1", "access_key_id": "DEFAULT", "secret_access_key": SECRET},
        None,
    )


def test_a_named_profile_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "minio")
    expected = {
        "region": "us-west-2",
        "endpoint": "http://localhost:9000",
        "access_key_id": "MINIO",
        "secret_access_key": f"{SECRET}%a",
        "session_token": "token",
    }
    assert read_profile() == (expected, None)


def test_the_environment_counts_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "minio")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "OTHER")
    monkeypatch.setenv("AWS_REGION", "sa-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://r2.example")
    assert read_profile() == ({}, None)


def test_the_role_of_a_pod_counts_before_the_default_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/token")
    assert read_profile() == ({"region": "eu-west-1"}, None)
    monkeypatch.setenv("AWS_PROFILE", "minio")
    assert read_profile()[0]["access_key_id"] == "MINIO"


def test_without_files_nothing_is_set(files: Path) -> None:
    (files / "config").unlink()
    (files / "credentials").unlink()
    assert read_profile() == ({}, None)


def test_a_profile_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "void")
    with pytest.raises(PermissionError, match="no such profile") as caught:
        open_place("s3://profile-void/x", "SOURCE").find("a")
    assert caught.value.filename == "s3://profile-void/x/a"


def test_a_role_needs_boto3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "role")
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(PermissionError, match=r"export-credentials --profile role --format env"):
        read_profile()


def test_a_file_that_is_damaged_is_not_quoted(files: Path) -> None:
    (files / "credentials").write_text(f"aws_secret_access_key = {SECRET}\n")
    with pytest.raises(PermissionError, match="cannot be understood") as caught:
        read_profile()
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__
