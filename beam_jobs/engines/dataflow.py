"""Dataflow: what it needs, and what is checked before a job goes there."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fitfeed.beam_jobs.engines.dataflow_packages import with_packages, worker_requirements
from fitfeed.beam_jobs.engines.engine import Engine
from fitfeed.beam_jobs.engines.google_access import LOCATION, require_buckets, require_credentials
from fitfeed.beam_jobs.engines.launch import Launch
from fitfeed.beam_jobs.engines.local_folders import refuse_folders
from fitfeed.schemas.errors import UsageError

PROJECT = re.compile(r"[a-z][-a-z0-9:.]+[a-z0-9]")
REGION = re.compile(r"[a-z]+(-[a-z]+)+[0-9]+")

NOT_TAKEN = {
    "template_location": "it only saves a job, which nothing would run",
    "dry_run": "give --dry-run before the --",
    "streaming": "a conversion is a batch",
    "update": "a conversion is a batch",
    "save_main_session": "no function of the job is in __main__",
}
"""Options of Beam that make no sense here, and why not."""


def check_dataflow(launch: Launch) -> list[str]:
    """Checks what can be checked from here: first what needs no network.

    Args:
        launch: What is about to be launched.

    Raises:
        UsageError: If the job could not run.
        RemoteError: If a bucket does not answer.
    """
    _require_options(launch.options)
    refuse_folders(launch, "Dataflow", "gs://my-bucket/flowers")
    worker_requirements(launch.options)
    require_credentials(launch.options)
    require_buckets(launch.options)
    return []


def _require_options(options: Mapping[str, Any]) -> None:
    for name, reason in NOT_TAKEN.items():
        if options[name]:
            msg = f"--{name} cannot be used for a conversion: {reason}. Leave it out."
            raise UsageError(msg)
    _require_form(options, "project", PROJECT, "the id of a project", "my-project-123")
    if options["region"] is not None or _default_region() is None:
        _require_form(options, "region", REGION, "a region", "us-central1")
    for name in ("temp_location", "staging_location"):
        if name == "temp_location" or options[name] is not None:
            _require_form(
                options, name, LOCATION, "a place in a bucket for files of the job", "gs://my-bucket/tmp"
            )


def _require_form(
    options: Mapping[str, Any], name: str, form: re.Pattern[str], what: str, example: str
) -> None:
    value = options[name]
    if value is None:
        msg = f"Dataflow needs {what}: --{name} is missing. Give it, as -- --{name}={example}"
        raise UsageError(msg)
    if form.fullmatch(value) is None:
        msg = f"--{name} must be {what}, such as {example}. Received: {value}"
        raise UsageError(msg)


def _default_region() -> str | None:
    """The region that `gcloud` or the environment names; Beam takes it, too."""
    from apache_beam.runners.dataflow.dataflow_runner import DataflowRunner

    region: str | None = DataflowRunner().get_default_gcp_region()
    return region


def _complete(arguments: Sequence[str], shards: int) -> list[str]:
    return with_packages(arguments)


def _console(options: Mapping[str, Any], job_id: str) -> str:
    return f"https://console.cloud.google.com/dataflow/jobs/{options['region']}/{job_id}?project={options['project']}"


DATAFLOW = Engine(
    name="dataflow",
    title="Dataflow",
    runner="DataflowRunner",
    modules=("google.cloud.storage", "google_auth_httplib2"),
    install="pip install 'fitfeed[dataflow]'",
    check=check_dataflow,
    complete=_complete,
    console=_console,
    outlives=lambda launch: True,
)
