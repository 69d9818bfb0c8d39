"""Reads a profile of the AWS command line, which the client of stores does not read itself.

Keys in the profile are used as they are. What needs more (a role, SSO, a program that prints credentials) is left to
boto3, if it is installed.
"""

import configparser
import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from obstore.store import S3Config, S3CredentialProvider

BEFORE_PROFILES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SKIP_SIGNATURE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
"""Variables that say where credentials come from. They count before the default profile; the first two before any."""

OF_OTHERS = (
    "role_arn",
    "sso_session",
    "sso_start_url",
    "credential_process",
    "web_identity_token_file",
    "login_session",
)
"""Settings of a profile whose credentials must be fetched first."""

SETTINGS = {
    "aws_access_key_id": "access_key_id",
    "aws_secret_access_key": "secret_access_key",
    "aws_session_token": "session_token",
}


def read_profile() -> "tuple[S3Config, S3CredentialProvider | None]":
    """Settings of the profile that is to be used, and what fetches its credentials; nothing, if none is to be used.

    Raises:
        PermissionError: If `AWS_PROFILE` names a profile that does not exist, or that needs boto3.
    """
    named = os.environ.get("AWS_PROFILE")
    name = named or "default"
    profile = _settings_of(name)
    if named and not profile:
        reason = f"AWS_PROFILE is {name}, and there is no such profile in ~/.aws/config or ~/.aws/credentials. Name one that `aws configure list-profiles` lists"
        raise PermissionError(errno.EACCES, reason)
    config = _places_of(profile)
    if any(os.environ.get(variable) for variable in BEFORE_PROFILES[: 2 if named else None]):
        return config, None
    if any(profile.get(setting) for setting in OF_OTHERS):
        return config, _of_boto3(name)
    for setting, key in SETTINGS.items():
        if profile.get(setting):
            config[key] = profile[setting]
    return config, None


def _places_of(profile: Mapping[str, str]) -> "Any":
    """Region and endpoint, unless the environment has them."""
    config = {}
    if "region" in profile and not (os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")):
        config["region"] = profile["region"]
    endpoints = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
    if "endpoint_url" in profile and not any(os.environ.get(name) for name in endpoints):
        config["endpoint"] = profile["endpoint_url"]
    return config


def _settings_of(name: str) -> dict[str, str]:
    """All settings of a profile; those in `credentials` count before those in `config`."""
    found: dict[str, str] = {}
    for variable, usual, section in (
        ("AWS_CONFIG_FILE", "~/.aws/config", name if name == "default" else f"profile {name}"),
        ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials", name),
    ):
        path = Path(os.environ.get(variable) or usual).expanduser()
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            # Not `from error`: it quotes lines of the file, which has keys.
            raise PermissionError(
                errno.EACCES, f"{path} cannot be understood. Expected sections with lines `name = value`"
            ) from None
        if parser.has_section(section):
            found.update(parser.items(section))
    return found


def _of_boto3(name: str) -> "S3CredentialProvider":
    try:
        import boto3
        from obstore.auth.boto3 import Boto3CredentialProvider
    except ImportError:
        reason = f'the AWS profile {name} takes its credentials from a role, from SSO or from a program. Install boto3, which does so, or run: eval "$(aws configure export-credentials --profile {name} --format env)"'
        raise PermissionError(errno.EACCES, reason) from None
    return Boto3CredentialProvider(boto3.Session(profile_name=name))
