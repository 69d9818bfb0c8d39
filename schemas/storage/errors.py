"""Says what an object store answered: as an `OSError`, with the cure, and with nothing secret.

The client's own messages quote addresses with signatures and what servers said. So nothing of them is shown but a
status, an error code and how often and how long was tried.
"""

import errno
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotModifiedError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)

from fitfeed.schemas.storage.address import Bucket
from fitfeed.schemas.storage.again import BrokenOffError
from fitfeed.schemas.text import printable

Operation = Literal["read", "list", "write", "delete"]

STATUS = re.compile(r"status code: ([1-5]\d\d)\b")
CODE = re.compile(r"<Code>([A-Za-z]{1,64})</Code>")
LATE = 0.9
"""Share of the time for attempts after which the client may begin no other: the next pause would end too late."""

LIMITS = re.compile(r"max_retries: (\d+)(?:, retry_timeout: ([0-9.]+)s)?")
RETRIES = re.compile(r"\bin ([0-9.]+)(ms|µs|s)\b.*?after (\d+) retries", re.DOTALL)
OF_CREDENTIALS = re.compile(
    r"token request|/latest/api/token|/latest/meta-data|credential|az account|metadata|Account must be specified|OAuth",
    re.IGNORECASE,
)
OF_RANGE = re.compile(r"status code: 416|Invalid range|Content-Range header not present")
NAME = re.compile(r'Path "((?:[^"\\]|\\.)*)"')
NO_BUCKET = re.compile(r"NoSuchBucket|ContainerNotFound|specified bucket does not exist", re.IGNORECASE)

PERMISSIONS: dict[str, dict[Operation, str]] = {
    "s3": {
        "read": "s3:GetObject (and s3:ListBucket: without it, S3 answers so for objects that do not exist, too)",
        "list": "s3:ListBucket",
        "write": "s3:PutObject",
        "delete": "s3:DeleteObject",
    },
    "gs": {
        "read": "storage.objects.get (and storage.objects.list: without it, GCS answers so for objects that do not exist, too)",
        "list": "storage.objects.list",
        "write": "storage.objects.create (and storage.objects.delete, to replace an object)",
        "delete": "storage.objects.delete",
    },
    "az": {
        "read": "the role Storage Blob Data Reader",
        "list": "the role Storage Blob Data Reader",
        "write": "the role Storage Blob Data Contributor",
        "delete": "the role Storage Blob Data Contributor",
    },
}

CREDENTIALS = {
    "s3": "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE, or AWS_SKIP_SIGNATURE=true for a public bucket",
    "gs": "Run `gcloud auth application-default login` or set GOOGLE_APPLICATION_CREDENTIALS, or GOOGLE_SKIP_SIGNATURE=true for a public bucket",
    "az": "Set AZURE_STORAGE_ACCOUNT_NAME, and AZURE_STORAGE_ACCOUNT_KEY, AZURE_STORAGE_SAS_TOKEN or AZURE_USE_AZURE_CLI=true, or AZURE_SKIP_SIGNATURE=true for a public container",
}


@contextmanager
def explained(bucket: Bucket, operation: Operation, address: str) -> Iterator[None]:
    """Turns the errors of the client into `OSError`.

    Args:
        bucket: Where it is.
        operation: What was tried.
        address: Of the object or the prefix.

    Raises:
        OSError: If the block fails. `FileExistsError` means that a condition did not hold.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise _missing(bucket, str(error), address) from None
    except (BaseError, ValueError) as error:
        # Not `from error`: a traceback would show the client's message.
        raise store_error(error, bucket, operation, address) from None


def store_error(error: Exception, bucket: Bucket, operation: Operation, address: str) -> OSError:
    """What to raise for an error of the client: see `explained`."""
    text = str(error).partition("\nDebug source")[0]
    status = found[1] if (found := STATUS.search(text)) else ""
    if isinstance(error, (AlreadyExistsError, PreconditionError, NotModifiedError)):
        return FileExistsError(
            errno.EEXIST, f"another object has its name now{_in_brackets(status)}", address
        )
    if isinstance(error, UnauthenticatedError) or status == "401":
        reason = f"the store does not accept the credentials{_in_brackets(status, text)}. {_of(CREDENTIALS, bucket)}"
        return PermissionError(errno.EACCES, reason, address)
    if OF_CREDENTIALS.search(text.partition(" - Server returned")[0]):
        reason = f"no credentials for {bucket.scheme}:// were found, or they could not be renewed{_tries(text)}. {_of(CREDENTIALS, bucket)}"
        return PermissionError(errno.EACCES, reason, address)
    if isinstance(error, PermissionDeniedError) or status == "403":
        needed = PERMISSIONS.get(bucket.scheme, {}).get(operation, "more permissions")
        reason = (
            f"access is denied{_in_brackets(status, text)}. To {operation}, the credentials need {needed}"
        )
        return PermissionError(errno.EACCES, reason, address)
    if status == "404":
        return _missing(bucket, text, address)
    if OF_RANGE.search(text):
        return OSError(errno.ERANGE, "the store has no such range of it", address)
    if isinstance(error, ValueError) or "parsing Path" in text or "empty path segment" in text:
        named = f" ({printable(found[1])})" if (found := NAME.search(text)) else ""
        reason = f"a name there{named} has empty parts, `.`, `..` or control characters, which cannot be read or written. Rename the object"
        return OSError(errno.EINVAL, reason, address)
    return _failed(text, status, address)


def _failed(text: str, status: str, address: str) -> OSError:
    if "incorrectly configured region" in text:
        reason = "the bucket is in another region. Set AWS_REGION to it"
        return OSError(errno.EREMOTEIO, reason, address)
    if "builder error" in text:
        reason = "its endpoint is not an https:// address. For http://, set AWS_ALLOW_HTTP=true, GOOGLE_ALLOW_HTTP=true or AZURE_ALLOW_HTTP=true"
        return OSError(errno.EINVAL, reason, address)
    if status:
        reason = f"the store answered with status {status}{_in_brackets(_code(text))}{_tries(text)}"
        return OSError(errno.EREMOTEIO, reason, address)
    reason = f"the store could not be reached, or broke off its answer{_tries(text)}"
    return (TimeoutError if _has_given_up(text) else BrokenOffError)(errno.ETIMEDOUT, reason, address)


def _missing(bucket: Bucket, text: str, address: str) -> FileNotFoundError:
    what = (
        "there is no bucket"
        if NO_BUCKET.search(text) or address == f"{bucket.scheme}://{bucket.name}"
        else "there is no object"
    )
    return FileNotFoundError(errno.ENOENT, f"{what} of this name", address)


def _tries(text: str) -> str:
    found = RETRIES.search(text)
    return "" if found is None else f", {int(found[3]) + 1} times in {_seconds(found):.0f} s"


def _seconds(found: "re.Match[str]") -> float:
    return float(found[1]) * {"s": 1, "ms": 1e-3, "µs": 1e-6}[found[2]]


def _has_given_up(text: str) -> bool:
    """Whether the client has tried as often or as long as it may. Else it has met what it does not try again."""
    limits, tried = LIMITS.search(text), RETRIES.search(text)
    if limits is None or tried is None:
        return tried is not None
    return int(tried[3]) >= int(limits[1]) or _seconds(tried) >= LATE * float(limits[2] or math.inf)


def _code(text: str) -> str:
    return found[1] if (found := CODE.search(text)) else ""


def _in_brackets(status: str, text: str = "") -> str:
    parts = [part for part in (status, _code(text)) if part]
    return f" ({', '.join(parts)})" if parts else ""


def _of(texts: dict[str, str], bucket: Bucket) -> str:
    return texts.get(bucket.scheme, "Give credentials")
