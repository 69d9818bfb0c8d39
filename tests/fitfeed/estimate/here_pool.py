"""Stands in for the pool of processes: writes each shard in the process of the test."""

from concurrent.futures import Future
from typing import Any

from fitfeed.converters.shards.write_shard import write_shard
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.results import ShardTotals


class HerePool:
    """A `ShardPool` without processes."""

    error: BaseException | None = None

    def __init__(self, work: WorkFolder, job: Job, **_: Any) -> None:
        """Starts nothing."""
        self._work, self._job = work, job

    def submit(self, number: int) -> "Future[ShardTotals]":
        """Writes a shard."""
        future: Future[ShardTotals] = Future()
        future.set_result(write_shard(self._work, self._job, number, lambda *_: None))
        return future

    def close(self) -> None:
        """Ends nothing."""
