"""An engine for tests whose jobs do what the graph does, in a thread, and stop where a test wants.

A job goes on without whoever has started it, as on a cluster.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from fitfeed.converters.publishing.publish import publish
from fitfeed.converters.shards.write_shard import write_shard
from fitfeed.converters.staging import commit, sign_of_life
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.launch import LaunchRecord
from fitfeed.converters.staging.staging import Staging
from fitfeed.schemas.errors import InterruptedConversionError

STAGES = (
    "started",
    "unchecked shard",
    "unwritten result",
    "some results",
    "all results",
    "reviewed",
    "uncommitted",
    "committed",
    "settled",
)
"""Where a job can be stopped, in their order."""

MAX_WAIT_S = 20.0


class SteppedJob:
    """A job of this engine: a stand-in for `RemoteJob`."""

    def __init__(self, work: WorkFolder, job: Job, stop_at: str | None) -> None:
        self.name, self.id = "Stepped job 7", "7"
        self.stopped, self._ended = threading.Event(), threading.Event()
        self._stop_at, self._go_on, self._cancelled = stop_at, threading.Event(), False
        self._work, self._job = work, job
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        JOBS[self.thread] = self
        self.thread.start()

    def _run(self) -> None:
        try:
            reach("started")
            job, totals = self._work.read_job(), []
            for number in range(self._job.shards):
                totals.append(write_shard(self._work, job, number, lambda *_: None))
                reach("some results")
            reach("all results")
            publish(self._work, totals)
        except BaseException as error:  # noqa: BLE001 - `wait` raises it
            self.error = error
        self.stopped.set()
        self._ended.set()

    def reach(self, stage: str) -> None:
        if stage == self._stop_at:
            self._stop_at = None
            self.stopped.set()
            assert self._go_on.wait(MAX_WAIT_S), stage
        if self._cancelled:
            raise RuntimeError("cancelled")

    def go_on(self) -> None:
        self.stopped.clear()
        self._go_on.set()

    def end(self) -> BaseException | None:
        """Lets it run to its end, and returns what it failed with."""
        self._go_on.set()
        assert self._ended.wait(MAX_WAIT_S)
        return self.error

    def wait(self, timeout_s: float | None = None) -> bool:
        ended = self._ended.wait(timeout_s)
        if self._cancelled:
            raise InterruptedConversionError("the job was cancelled")
        if self.error is not None:
            raise self.error
        return ended

    def cancel(self) -> None:
        self._cancelled = True
        self._go_on.set()

    def counters(self) -> dict[str, int]:
        return {}

    def close(self) -> None:
        pass


JOBS: dict[threading.Thread, SteppedJob] = {}


def reach(stage: str) -> None:
    """Stops the job that runs in this thread, if it is to stop here."""
    if job := JOBS.get(threading.current_thread()):
        job.reach(stage)


class SteppedEngine:
    """Starts jobs in place of a runner.

    Attributes:
        stop_at: Where the next job stops.
        jobs: Those that were started.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.stop_at: str | None = None
        self.jobs: list[SteppedJob] = []
        patch.setattr("fitfeed.beam_jobs.remote.start_job", self._start)
        patch.setattr("fitfeed.beam_jobs.plan.check_engine", lambda *_, **__: [])
        for owner, name, before, after in (
            (WorkFolder, "require_ours", "unchecked shard", None),
            (WorkFolder, "write_result", "unwritten result", None),
            (Staging, "review", None, "reviewed"),
            (commit, "put_manifest", "uncommitted", "committed"),
            (LaunchRecord, "end", "settled", None),
        ):
            patch.setattr(owner, name, _stopping(getattr(owner, name), before, after))

    def _start(
        self, runner: str, arguments: Sequence[str], work: WorkFolder, job: Job, *, timeout_s: float
    ) -> SteppedJob:
        started = SteppedJob(work, job, self.stop_at)
        self.stop_at = None
        self.jobs.append(started)
        return started


def _stopping(act: Callable[..., Any], before: str | None, after: str | None) -> Callable[..., Any]:
    def acted(*arguments: Any, **named: Any) -> Any:
        if before:
            reach(before)
        done = act(*arguments, **named)
        if after:
            reach(after)
        return done

    return acted


def frozen(patch: pytest.MonkeyPatch) -> None:
    """Jobs that are stopped show no sign of life, as on a machine that sleeps, and are given up at once."""
    patch.setattr(sign_of_life, "_keep_alive", lambda *_: None)
    patch.setattr(sign_of_life, "DEAD_AFTER_S", 0.05)
    patch.setattr(sign_of_life, "FIRST_SIGN_S", 0.05)
