"""Conversions in the process of the test: Beam and the worker processes take a second for each.

What they share with a user's conversion is everything but the local run: the plan, the staging area, the
shards, the publication. `tests/beam_jobs/test_pipeline.py` compares the bytes of both.
"""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from fitfeed import beam_jobs
from fitfeed.beam_jobs import ConversionResult
from fitfeed.beam_jobs.progress import Report
from fitfeed.converters.publishing.publish import publish
from fitfeed.converters.shards.write_shard import write_shard
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job


def run_here(work: WorkFolder, job: Job, *, workers: int, timeout_s: float, report: Report) -> None:
    """Stands in for `run_local`: writes one shard after the other, and publishes."""
    publish(work, [write_shard(work, job, number, lambda *_: None) for number in range(job.shards)])


@contextmanager
def without_beam() -> Iterator[None]:
    """Lets local conversions write their shards in this process, those of the command line too."""
    with mock.patch("fitfeed.beam_jobs.run.run_local", run_here):
        yield


@functools.wraps(beam_jobs.convert)
def convert(*arguments: Any, **named: Any) -> ConversionResult:
    """`fitfeed.convert` without Beam, unless the number of workers or the runner is what a test is about."""
    if "workers" in named or "runner" in named:
        return beam_jobs.convert(*arguments, **named)
    with without_beam():
        return beam_jobs.convert(*arguments, **named)
