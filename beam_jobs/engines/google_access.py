"""Whether Google Cloud lets this machine in: credentials, and buckets in which files of a job are put.

Each answer comes in seconds. Beam itself looks for credentials five times, asks for the buckets without any, and ends in
a traceback after minutes.
"""

import logging
import re
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from fitfeed.schemas.errors import RemoteError, UsageError

MAX_CREDENTIALS_S = 10.0
"""Seconds until credentials are found. Outside Google Cloud nobody answers the last question for them."""

MAX_BUCKET_S = 10.0
"""Seconds until a bucket has answered."""

NEEDED = ("storage.buckets.get", "storage.objects.create", "storage.objects.get")
"""What Beam needs of a bucket to put the files of a job there."""

LOGIN = "Run gcloud auth application-default login, or let GOOGLE_APPLICATION_CREDENTIALS name the file of a service account"
ROLE = "Ask its owner for the role roles/storage.admin on it"

LOCATION = re.compile(r"gs://(?P<bucket>[a-z0-9][-_a-z0-9.]+[a-z0-9])/[^\r\n]*")
"""A place in a bucket, as Beam accepts it."""


def require_credentials(options: Mapping[str, Any]) -> None:
    """Checks that there are credentials.

    Args:
        options: All of Beam's options by name.

    Raises:
        UsageError: If none are found in the time that there is.
    """
    from google.auth.exceptions import GoogleAuthError

    if options["no_auth"]:
        return
    # It warns of each of its attempts, where one line is enough.
    logging.getLogger("google.auth").setLevel(logging.ERROR)
    found: Future[Any] = Future()
    threading.Thread(target=_find, args=(found, options["gcp_oauth_scopes"]), daemon=True).start()
    try:
        found.result(timeout=MAX_CREDENTIALS_S)
    except TimeoutError:
        msg = f"no credentials for Google Cloud were found within {MAX_CREDENTIALS_S:.0f} s. {LOGIN}."
        raise UsageError(msg) from None
    except GoogleAuthError as error:
        msg = f"no credentials for Google Cloud were found: {_first_sentence(error)}. {LOGIN}."
        raise UsageError(msg) from error


def _find(found: "Future[Any]", scopes: Sequence[str]) -> None:
    import google.auth

    try:
        found.set_result(google.auth.default(scopes=scopes))
    except Exception as error:  # noqa: BLE001 - the thread that waits raises it
        found.set_exception(error)


def require_buckets(options: Mapping[str, Any]) -> None:
    """Checks that files of the job can be put where Beam will put them, with Beam's own client.

    Args:
        options: All of Beam's options by name.

    Raises:
        UsageError: If a bucket is not there, or does not permit it.
        RemoteError: If it does not answer.
    """
    from apache_beam.io.gcp.gcsio import create_storage_client
    from apache_beam.options.pipeline_options import PipelineOptions

    client = create_storage_client(PipelineOptions([], **options), not options["no_auth"])
    checked = set()
    for name in ("temp_location", "staging_location"):
        match = LOCATION.fullmatch(options[name] or "")
        if match is not None and match["bucket"] not in checked:
            checked.add(match["bucket"])
            _require_bucket(client, match["bucket"], f"--{name}={match[0]}")


def _require_bucket(client: Any, bucket: str, option: str) -> None:
    from google.api_core.exceptions import Forbidden, GoogleAPIError, NotFound
    from google.auth.exceptions import GoogleAuthError
    from google.cloud.storage.retry import DEFAULT_RETRY

    try:
        granted = client.bucket(bucket).test_iam_permissions(
            NEEDED, timeout=MAX_BUCKET_S, retry=DEFAULT_RETRY.with_timeout(MAX_BUCKET_S)
        )
    except NotFound:
        msg = f"there is no bucket {bucket}, which {option} names. Make it: gcloud storage buckets create gs://{bucket}"
        raise UsageError(msg) from None
    except Forbidden as error:
        msg = f"the bucket of {option} may not be used with these credentials: {_first_sentence(error)}. {ROLE}."
        raise UsageError(msg) from error
    except GoogleAuthError as error:
        msg = f"the credentials for Google Cloud are not accepted: {_first_sentence(error)}. {LOGIN}."
        raise UsageError(msg) from error
    except (GoogleAPIError, OSError) as error:
        msg = f"the bucket of {option} cannot be reached: {_first_sentence(error)}. Check the network and the name."
        raise RemoteError(msg) from error
    missing = sorted(set(NEEDED) - set(granted))
    if missing:
        msg = f"the credentials lack {', '.join(missing)} on the bucket of {option}, where files of the job are put. {ROLE}."
        raise UsageError(msg)


def _first_sentence(error: Exception) -> str:
    """What went wrong, without the advice and the addresses that follow."""
    line = str(error).strip().partition("\n")[0]
    return line.partition(". ")[0].rstrip(".") or type(error).__name__
