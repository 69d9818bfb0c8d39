"""The life of a staging area, from the lock to the end.

| state | on disk | what may happen next | a run that is killed here |
|---|---|---|---|
| locked | `lock`, held by one process | the plan is written | leaves nothing that counts; the lock ends with its process |
| planned | `plans/`, then `job.json` | shards are written | is continued by the same command; another plan replaces it |
| written | a result for every shard, which was written after its file | publication reviews them | the same: no shard is written twice |
| reviewed | `outcome.json` says what is wrong, or (of an append) that all is well | the outcome is raised; or files move into place | is reviewed again, which takes seconds |
| committed | the manifest of the dataset names the shards; of an append, indexes and rejects under their first names | these files get their final names | is a whole dataset; the next append settles it |
| settled | the manifest names the files that every dataset has | `.work/` is removed | is a whole dataset; the next append removes `.work/` |

A new dataset goes from written to settled in one step: its files have their final names from the start.
Until then the manifest of an older dataset at this place is removed (see `fitfeed.converters.publishing.new`).
"""

import enum
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fitfeed.converters.staging.folder import PARTS, STAGED_REJECTS, WorkFolder
from fitfeed.converters.staging.job import ConversionPlan, Job
from fitfeed.schemas.errors import ConversionError, UsageError
from fitfeed.schemas.manifest import Manifest


class State(enum.Enum):
    """How far the conversion in a staging area is: see the table above."""

    LOCKED = "locked"
    PLANNED = "planned"
    WRITTEN = "written"
    REVIEWED = "reviewed"
    COMMITTED = "committed"
    SETTLED = "settled"


UNFINISHED = (State.PLANNED, State.WRITTEN, State.REVIEWED)
"""States in which the same command can continue the work of another run."""


class Staging:
    """The staging area of a dataset, held by this process.

    Attributes:
        work: Its folder.
    """

    def __init__(self, work: WorkFolder) -> None:
        """Use `open_staging`."""
        self.work = work

    def state(self, existing: Manifest | None) -> State:
        """How far the conversion is, as the disk tells.

        Args:
            existing: The manifest of the dataset, if there is a complete one.
        """
        job = self.work.read_job_or_none()
        if job is None:
            return State.LOCKED
        if existing is not None and self._is_published(job, existing):
            staged = existing.rejects_file.file == STAGED_REJECTS
            return State.COMMITTED if staged else State.SETTLED
        if self._outcome() is not None:
            return State.REVIEWED
        if all(self.work.has_result(number) for number in range(job.shards)):
            return State.WRITTEN
        return State.PLANNED

    def _is_published(self, job: Job, existing: Manifest) -> bool:
        """Whether the dataset has what the job adds: an append changes the fingerprint that it was for."""
        if job.base is not None:
            return job.base.fingerprint != existing.fingerprint
        return self._outcome() == "published"

    def _outcome(self) -> str | None:
        try:
            status: str = json.loads((self.work.root / "outcome.json").read_text())["status"]
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return status

    def prepare(self, plan: ConversionPlan, *, timeout_s: float) -> None:
        """To planned: brings the folder in line with the plan, keeping finished shards of the same job.

        From then on the plan is on disk. Drop it: of a million images it takes half a gigabyte.

        Args:
            plan: The plan.
            timeout_s: Seconds that decoding one image may take; 0 for no limit.

        Raises:
            ConversionError: If it cannot be written.
        """
        work = self.work
        known = work.read_job_or_none()
        try:
            if known is None or known.digest != plan.job.digest:
                (work.root / "job.json").unlink(missing_ok=True)  # first: it vouches for the plans
                for name in PARTS:
                    shutil.rmtree(work.root / name, ignore_errors=True)
                work.create()
                for shard in plan.shards:
                    work.write_plan(shard)
            work.sweep_temporary_files()
            work.release(timeout_s)
            (work.root / "outcome.json").unlink(missing_ok=True)
            work.write_job(plan.job)
        except OSError as error:
            msg = f"cannot write to DATASET {work.dataset}: {error.strerror}. Make room there and run the same command again."
            raise ConversionError(msg) from error

    def leave(self, existing: Manifest | None) -> None:
        """Removes the folder, unless it holds an unfinished job that can still be continued.

        Args:
            existing: The manifest of the dataset, if there is a complete one.
        """
        if self.state(existing) not in UNFINISHED:
            self.remove()

    def remove(self) -> None:
        """Removes the folder of a dataset that is settled."""
        shutil.rmtree(self.work.root)


@contextmanager
def open_staging(dataset: Path) -> Iterator[Staging]:
    """To locked: lets one conversion at a time into a folder. The lock ends with the process, however it ends.

    Raises:
        UsageError: If another conversion is running, or nothing can be written there.
    """
    work = WorkFolder(dataset)
    try:
        work.create()
        lock = os.open(work.root / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        msg = f"cannot write to DATASET {dataset}: {error.strerror}. Choose a folder that you may write to."
        raise UsageError(msg) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            msg = f"another conversion into {dataset} is running. Wait for it, or choose another folder."
            raise UsageError(msg) from error
        yield Staging(work)
    finally:
        os.close(lock)
