"""Clients of buckets: one a process and bucket, made when it is first used, never at import.

Where credentials and endpoints come from is written in docs/object-stores.md. Nothing of it passes through our hands
but what the client does not read itself.
"""

import errno
import os
import threading
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from obstore.exceptions import GenericError
from obstore.store import AzureStore, GCSStore, MemoryStore, S3Store

from fitfeed.schemas.storage.address import Bucket
from fitfeed.schemas.storage.aws_profile import read_profile
from fitfeed.schemas.storage.errors import explained

if TYPE_CHECKING:
    from obstore.store import AzureConfig, ClientConfig, RetryConfig

Client = S3Store | GCSStore | AzureStore | MemoryStore

MAX_REQUEST_BYTES = 16 << 20
"""Most bytes that one request asks for. Larger ranges are read by several, so the time of one stays bounded."""

MAX_REQUEST_S = 180
"""Seconds of one request with its body: 90 KB/s for the largest."""

MAX_SILENCE_S = 60
"""Seconds without a byte from the server, after which a request is made again."""

MAX_RETRY_S = 180
"""Seconds after which a failing request is not made again."""

RETRIES: "RetryConfig" = {
    "max_retries": 10,
    "retry_timeout": timedelta(seconds=MAX_RETRY_S),
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=15), "base": 2},
}

ENDPOINTS = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "gs": ("GOOGLE_BASE_URL",),
    "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
}
ALLOW_HTTP = {"s3": "AWS_ALLOW_HTTP", "gs": "GOOGLE_ALLOW_HTTP", "az": "AZURE_ALLOW_HTTP"}
TRUE = frozenset({"1", "true", "on", "yes", "y"})

_clients: dict[Bucket, Client] = {}
_lock = threading.Lock()
_forked = False


def _note_fork() -> None:
    global _forked
    _forked = _forked or bool(_clients)


os.register_at_fork(after_in_child=_note_fork)


def client_of(bucket: Bucket, address: str) -> Client:
    """The client of a bucket.

    Args:
        bucket: The bucket.
        address: What is to be read or written, for messages.

    Raises:
        OSError: If this process was forked from one that has used a store: a request would never end, because the
            threads that carry it out are not there. Or if what the environment says of credentials is wrong.
    """
    if _forked:
        reason = 'this process was forked from one that has used an object store, and cannot use one itself. Start processes with multiprocessing_context="spawn"'
        raise OSError(errno.ENOTSUP, reason, address)
    client = _clients.get(bucket)
    if client is None:
        with _lock:
            client = _clients.get(bucket)
            if client is None:
                try:
                    with explained(bucket, "read", address):
                        client = _clients[bucket] = _make(bucket)
                except PermissionError as error:
                    error.filename = address
                    raise
    return client


def _make(bucket: Bucket) -> Client:
    options = _client_options(bucket.scheme)
    match bucket.scheme:
        case "s3":
            config, provider = read_profile()
            return S3Store(
                bucket.name,
                config=config,
                client_options=options,
                retry_config=RETRIES,
                credential_provider=provider,
            )
        case "gs":
            return _google_client(bucket.name, options)
        case "az":
            account = os.environ.get("AZURE_STORAGE_ACCOUNT_NAME") or os.environ.get("AZURE_STORAGE_ACCOUNT")
            azure: AzureConfig = {"account_name": account} if account else {}
            return AzureStore(bucket.name, config=azure, client_options=options, retry_config=RETRIES)
        case _:
            return MemoryStore()


def _google_client(name: str, options: "ClientConfig") -> GCSStore:
    try:
        return GCSStore(name, client_options=options, retry_config=RETRIES)
    except GenericError as error:
        if "unknown variant" not in str(error):
            raise
    # Credentials of another cloud (workload identity federation), or of a role that is taken on.
    try:
        from google.auth.exceptions import GoogleAuthError
        from obstore.auth.google import GoogleCredentialProvider
    except ImportError:
        reason = "the file of GOOGLE_APPLICATION_CREDENTIALS is neither of a service account nor of `gcloud auth application-default login`. To use it, install google-auth and requests"
        raise PermissionError(errno.EACCES, reason) from None
    try:
        provider = GoogleCredentialProvider()
    except GoogleAuthError:
        reason = "the file of GOOGLE_APPLICATION_CREDENTIALS is not accepted. Make it anew, or run `gcloud auth application-default login`"
        raise PermissionError(errno.EACCES, reason) from None
    return GCSStore(name, client_options=options, retry_config=RETRIES, credential_provider=provider)


def _client_options(scheme: str) -> "ClientConfig":
    options: ClientConfig = {
        "timeout": timedelta(seconds=MAX_REQUEST_S),
        "read_timeout": timedelta(seconds=MAX_SILENCE_S),
        "connect_timeout": timedelta(seconds=10),
        "allow_http": _allows_http(scheme),
    }
    project = os.environ.get("GOOGLE_CLOUD_QUOTA_PROJECT")
    if scheme == "gs" and project:  # who pays for a bucket whose requesters pay
        options["default_headers"] = {"x-goog-user-project": project}
    authorities = os.environ.get("AWS_CA_BUNDLE")
    if scheme == "s3" and authorities:
        try:
            options["root_certificate"] = Path(authorities).read_bytes()
        except OSError as error:
            raise PermissionError(
                errno.EACCES, f"AWS_CA_BUNDLE {authorities} cannot be read: {error.strerror}"
            ) from error
    return options


def _allows_http(scheme: str) -> bool:
    """Whether an endpoint may be reached without encryption: if the user says so, or it is on this machine."""
    if os.environ.get(ALLOW_HTTP.get(scheme, ""), "").lower() in TRUE:
        return True
    if scheme == "az" and os.environ.get("AZURE_STORAGE_USE_EMULATOR", "").lower() in TRUE:
        return True
    given = (os.environ.get(name) for name in ENDPOINTS.get(scheme, ()))
    return any(urlsplit(url).hostname in ("localhost", "127.0.0.1", "::1") for url in given if url)
