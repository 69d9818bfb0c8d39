"""Addresses of object stores, such as `s3://bucket/flowers`: what they are made of, and which ones are refused."""

import re
from typing import NamedTuple

from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.local_path import without_secrets

SCHEMES = ("gs", "s3", "az")
MEMORY = "memory"
"""Scheme of stores that live in one process, for tests."""

BUCKET = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{1,221}")

OTHER_WRITINGS = {
    "gcs": "gs://BUCKET/PATH",
    "s3a": "s3://BUCKET/PATH",
    "s3n": "s3://BUCKET/PATH",
    "azure": "az://CONTAINER/PATH, and set AZURE_STORAGE_ACCOUNT_NAME",
    "adl": "az://CONTAINER/PATH, and set AZURE_STORAGE_ACCOUNT_NAME",
    "abfs": "az://CONTAINER/PATH, and set AZURE_STORAGE_ACCOUNT_NAME",
    "abfss": "az://CONTAINER/PATH, and set AZURE_STORAGE_ACCOUNT_NAME",
    "wasb": "az://CONTAINER/PATH, and set AZURE_STORAGE_ACCOUNT_NAME",
    "wasbs": "az://CONTAINER/PATH, and set AZURE_STORAGE_ACCOUNT_NAME",
}


class Bucket(NamedTuple):
    """A bucket, or a container of Azure.

    Attributes:
        scheme: `gs`, `s3` or `az`.
        name: Its name.
    """

    scheme: str
    name: str


class StoreAddress(NamedTuple):
    """Where something is in a store.

    Attributes:
        bucket: The bucket.
        key: The path in it, without slashes at its ends; empty for the bucket itself.
    """

    bucket: Bucket
    key: str


def parse_address(text: str, what: str) -> StoreAddress:
    """Takes an address apart. The message never shows what may be secret: user names, passwords and queries.

    Args:
        text: What a user gave; it has `://`.
        what: What messages call it, such as `SOURCE`.

    Raises:
        UsageError: If it is not an address of a store that can be used.
    """
    scheme, _, rest = text.partition("://")
    scheme, shown = scheme.lower(), without_secrets(text)
    authority, _, path = rest.partition("/")
    if shown.endswith("://..."):
        msg = f"{what} {shown} has a user name or a password before the bucket. {_mend(scheme, '')} Give credentials in the environment (docs/object-stores.md), never in an address: it is logged and shown."
        raise UsageError(msg)
    if "?" in rest:
        msg = f"{what} {shown} has a query (?...), as a signed address has. Write the address without it, and give credentials in the environment (docs/object-stores.md), never in an address: it is logged and shown."
        raise UsageError(msg)
    if scheme not in (*SCHEMES, MEMORY):
        msg = f"{what} {shown} is an address that cannot be read or written. {_mend(scheme, rest)}"
        raise UsageError(msg)
    if not BUCKET.fullmatch(authority):
        msg = f"{what} {shown} names no bucket. Expected {scheme}://BUCKET/PATH, where BUCKET is the name only, without a host or a port: endpoints are set in the environment (docs/object-stores.md)."
        raise UsageError(msg)
    key = path.strip("/")
    if any(part in ("", ".", "..") for part in key.split("/")) and key:
        msg = f"{what} {shown} has a part that is empty, . or .. in its path. Write the path without it."
        raise UsageError(msg)
    return StoreAddress(Bucket(scheme, authority), key)


def _mend(scheme: str, rest: str) -> str:
    if scheme == "file":
        return f"Write it as a path: /{rest.lstrip('/')}"
    if scheme in ("http", "https"):
        return "Write it as gs://BUCKET/PATH, s3://BUCKET/PATH or az://CONTAINER/PATH, or copy it to this machine."
    if scheme in OTHER_WRITINGS:
        return f"Write it as {OTHER_WRITINGS[scheme]}."
    if scheme in SCHEMES:
        return f"Write it as {scheme}://{'CONTAINER' if scheme == 'az' else 'BUCKET'}/PATH."
    return f"Copy it to this machine, or mount the {scheme} store, and give the path of the local folder or file; or give an address with gs://, s3:// or az://."
