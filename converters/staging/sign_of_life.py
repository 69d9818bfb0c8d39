"""Shows that a job moves, on whatever machines it runs, and finds out whether one does.

Whoever works on the job writes the small file `alive` anew, unless somebody else has just done so: with a thousand
workers it is written every few seconds, not a thousand times. Who looks judges only by what changes while it looks: no
clock of a machine, or of a store, is compared with another.
"""

import random
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.launch import JobLaunch
from fitfeed.schemas.storage import claim

ALIVE_NAME = "alive"

RENEW_S = claim.REFRESH_S
"""Seconds after which `alive` is written anew, at the latest."""

LOOK_S = claim.POLL_S
"""Seconds between two looks at a job."""

DEAD_AFTER_S = claim.LIFETIME_S
"""Seconds after which a job in which nothing has changed is given up."""

FIRST_SIGN_S = 300.0
"""Seconds in which a job may show no sign of life before its first one: an engine may have to start machines."""


@contextmanager
def sign_of_life(work: WorkFolder, job: Job) -> Iterator[None]:
    """Shows that the job moves while the block runs, if it runs on an engine. In the local run, the lock does.

    Args:
        work: The folder of the job.
        job: The job.
    """
    if not job.engine:
        yield
        return
    ended = threading.Event()
    thread = threading.Thread(target=_keep_alive, args=(work, job, ended), name="sign of life", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=claim.MARGIN_S)  # nothing is written any more when the staging area is removed


def _keep_alive(work: WorkFolder, job: Job, ended: threading.Event) -> None:
    seen = None
    while not ended.is_set():
        with suppress(
            OSError
        ):  # who looks waits for several signs; and a broken disk shows where shards are written
            launch = work.launch.read()
            if launch is None or launch.token != job.launch:
                return  # no sign of an older launch may be taken for one of the next
            now = _identity(work)
            if now == seen:
                now = work.root.write(ALIVE_NAME, uuid.uuid4().hex.encode()).identity
            seen = now
        ended.wait(RENEW_S * random.uniform(0.5, 1))  # so that of many workers one is first


def _identity(work: WorkFolder) -> str | None:
    found = work.root.area().find_file(ALIVE_NAME)
    return None if found is None else found.identity


class JobWatch:
    """Looks at a job of another launch now and then.

    Attributes:
        launch: The launch at the last look; None if there is none any more.
        has_moved: Whether something has changed since the first look.
    """

    def __init__(self, work: WorkFolder) -> None:
        """Takes the first look.

        Args:
            work: The folder of the job.

        Raises:
            OSError: If it cannot be read.
        """
        self._work = work
        self.has_moved = False
        self.launch: JobLaunch | None = None
        self._seen = self._look()
        self._changed_s = time.monotonic()  # it stands still while this machine sleeps and cannot look

    def look(self) -> None:
        """Looks again, after a while.

        Raises:
            OSError: If it cannot be read.
        """
        time.sleep(LOOK_S)
        now = self._look()
        if now != self._seen:
            self._seen, self._changed_s, self.has_moved = now, time.monotonic(), True

    @property
    def is_dead(self) -> bool:
        """Whether nothing has moved for so long that the job is given up."""
        begun = self.has_moved or self._seen[0] is not None
        return time.monotonic() - self._changed_s > (DEAD_AFTER_S if begun else FIRST_SIGN_S)

    def _look(self) -> tuple[str | None, dict[str, str], bool]:
        self.launch = self._work.launch.read()
        return _identity(self._work), self._work.finished(), self._work.has_outcome()
