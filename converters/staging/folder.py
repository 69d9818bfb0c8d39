"""The folder of one job in the staging area: what is planned, what is done, all on disk.

```
DATASET/.work/
  lock                  held by the launch that converts into DATASET
  <digest of the job>/
    begun               empty; when it was made is written in job.json (see `find_earlier`)
    job.json            options, source, classes, the list of shards and the stamps of their plans
    plans/00003.json    what goes into shard 3
    shards/             shard files, under their final names once they are whole
    results/00003.json  totals, index rows and rejects of shard 3, with a checksum, written after its file
    quarantine/00003.json  images of shard 3 that must not be decoded again, and why
    kept/               shards from which publication has left out duplicates
    outcome.json        what publication decided
```

Different jobs share no file, and equal jobs write equal bytes. A conversion that was stopped finds here what it need
not do again. Who writes what, and when: see `fitfeed.converters.staging.staging`.

Anybody may have made what is found here, because folders are unpacked and copied. So nothing counts because it is there:

```
this run plans  ->  stamp = SHA-256(when the folder was begun, the plan)  ->  job.json  ->  seal = SHA-256(job.json)
                       |                                                                        |
    plans, results, quarantine: only with this stamp                       workers: only the job with this seal
```
"""

import dataclasses
import hashlib
import json
import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from fitfeed.converters.staging.job import Job, ShardPlan
from fitfeed.converters.staging.outcome import Outcome
from fitfeed.converters.staging.quarantine import Quarantine
from fitfeed.converters.staging.results import ShardResult
from fitfeed.schemas.errors import ConversionError
from fitfeed.schemas.files import atomic_write, file_sha256, sync_file
from fitfeed.schemas.manifest import WORK_FOLDER
from fitfeed.schemas.side_tables import SOURCES_NAME, write_table
from fitfeed.schemas.strict_json import JsonObject, parse_any_json

PARTS = ("plans", "shards", "results", "quarantine")
"""Folders that a job fills."""

OUTCOME_NAME = "outcome.json"
BEGUN_NAME = "begun"

OTHER_JSON = (ValueError, TypeError, KeyError, AttributeError, OverflowError)
"""What is raised where JSON is not what this version writes: for example, a text where an object should be."""

_QUARANTINED = TypeAdapter(dict[int, Quarantine])


class WorkFolder:
    """Paths and files of a job. Picklable; holds nothing but paths and the seal.

    Attributes:
        dataset: The dataset that the job makes or adds to.
        root: The job's own folder.
        seal: SHA-256 of the job as this launch has written it; None before it is written.
    """

    def __init__(self, dataset: Path, digest: str, seal: str | None = None) -> None:
        """Names the folder. Nothing is read or written.

        Args:
            dataset: The dataset.
            digest: Of the job.
            seal: Of the job as it was written; None to read whatever is there.
        """
        self.dataset = dataset
        self.root = dataset / WORK_FOLDER / digest
        self.seal = seal

    @property
    def shards(self) -> Path:
        """The folder in which shard files are written."""
        return self.root / "shards"

    @property
    def kept(self) -> Path:
        """The folder in which publication writes shards without their duplicates."""
        return self.root / "kept"

    def find_shard(self, file: str) -> Path:
        """The path of a finished shard. It may be in place already, if publication was interrupted."""
        path = self.shards / file
        return path if is_plain_file(path) else self.dataset / file

    def begin(self) -> int:
        """Makes the folder and all in it, empty.

        Returns:
            When it was begun.
        """
        if self.root.exists():
            shutil.rmtree(self.root)
        for name in PARTS:
            (self.root / name).mkdir(parents=True)
        mark = self.root / BEGUN_NAME
        mark.touch()
        with suppress(OSError):  # then the folder is not recognized later, and the conversion begins anew
            os.utime(mark, ns=(0, 0))
        sync_file(mark)
        return mark.lstat().st_ctime_ns

    def find_earlier(self) -> Job | None:
        """The job that an earlier run began here, if that was in this very place and all its parts are there; else None.

        Linux sets the change time of an inode, and no program can choose it. So that of `begun` is what its `job.json`
        says only where a run has made both: not where they were copied, or unpacked from an archive.

        The modification time of `begun` is chosen, to be another one. On file systems where both are always the same
        (FAT, some network mounts), a program can choose the change time, too.
        """
        job = self.read_job_or_none()
        try:
            status = (self.root / BEGUN_NAME).lstat()
        except FileNotFoundError:
            return None
        chosen = status.st_ctime_ns == status.st_mtime_ns
        if job is None or chosen or job.begun != status.st_ctime_ns:
            return None
        return job if all((self.root / name).is_dir() for name in PARTS) else None

    def write_sources(self, table: Any | None) -> str | None:
        """Saves what is known of the source's files: a record batch of `sources_schema`, or None.

        Returns:
            SHA-256 of the table; None if there is none.
        """
        if table is None:
            return None
        write_table(self.root / SOURCES_NAME, table)
        return file_sha256(self.root / SOURCES_NAME)

    def keep_sources(self, sha256: str | None) -> str | None:
        """Keeps this table of an earlier run, or removes another one: it only saves work.

        Returns:
            SHA-256 of the table; None if there is none now.
        """
        path = self.root / SOURCES_NAME
        if is_plain_file(path) and file_sha256(path) == sha256:
            return sha256
        path.unlink(missing_ok=True)
        return None

    def write_job(self, job: Job) -> "WorkFolder":
        """Saves the job; its presence means that planning has finished.

        Returns:
            The same folder, with the seal of the job.
        """
        content = json.dumps(job.to_json()).encode()
        atomic_write(self.root / "job.json", content)
        return WorkFolder(self.dataset, self.root.name, hashlib.sha256(content).hexdigest())

    def read_job(self) -> Job:
        """Loads the job.

        Raises:
            ConversionError: If it is not the one that this launch has written.
        """
        path = self.root / "job.json"
        content = path.read_bytes()
        if self.seal is not None and hashlib.sha256(content).hexdigest() != self.seal:
            raise _changed_error(path)
        return Job.from_json(parse_any_json(content))

    def read_job_or_none(self) -> Job | None:
        """Loads the job, or returns None if there is none that this version can read."""
        try:
            return self.read_job()
        except (OSError, *OTHER_JSON):
            return None

    def write_plan(self, plan: ShardPlan, begun: int) -> str:
        """Saves what goes into a shard, unless it is there.

        Args:
            plan: The plan.
            begun: When the folder was begun.

        Returns:
            The stamp of all that is made from this plan, here.
        """
        path = self._part("plans", plan.number)
        content = json.dumps(vars(plan)).encode()
        if not path.is_file() or path.read_bytes() != content:
            atomic_write(path, content)
        return _stamp(begun, content)

    def read_plan(self, job: Job, number: int) -> ShardPlan:
        """Loads what goes into a shard.

        Raises:
            ConversionError: If it is not what was planned.
        """
        path = self._part("plans", number)
        content = path.read_bytes()
        if _stamp(job.begun, content) != job.stamps[number]:
            raise _changed_error(path)
        return ShardPlan(**json.loads(content))

    def write_result(self, number: int, result: ShardResult) -> None:
        """Saves what came out of a shard, after a line with the SHA-256 of the rest."""
        content = json.dumps(result.to_json()).encode()
        atomic_write(self._part("results", number), sha256_line(content) + content)

    def read_result(self, job: Job, number: int) -> ShardResult | None:
        """Loads what came out of a shard, or None if it is not finished: if there is nothing that was made from its plan here."""
        try:
            line, end, content = self._part("results", number).read_bytes().partition(b"\n")
            if line + end != sha256_line(content):  # a disk has failed, or somebody has edited it
                return None
            result = ShardResult.from_json(parse_any_json(content))
        except (FileNotFoundError, *OTHER_JSON):
            return None
        return result if result.stamp == job.stamps[number] else None

    def has_result(self, number: int) -> bool:
        """Whether a shard has a result."""
        return self._part("results", number).is_file()

    def forget_result(self, number: int) -> None:
        """Removes the result of a shard, so that it is written again."""
        self._part("results", number).unlink(missing_ok=True)

    def has_results(self) -> bool:
        """Whether any shard has a result."""
        folder = self.root / "results"
        return folder.is_dir() and any(folder.iterdir())

    def write_outcome(self, outcome: Outcome) -> None:
        """Saves what publication decided."""
        write_json(self.root / OUTCOME_NAME, outcome.to_json())

    def read_outcome(self) -> Outcome | None:
        """Loads what publication decided, or returns None if there is nothing that this version can read."""
        try:
            return Outcome.from_json(parse_any_json((self.root / OUTCOME_NAME).read_bytes()))
        except (OSError, *OTHER_JSON):
            return None

    def forget_outcome(self) -> None:
        """Removes the outcome, so that publication decides again."""
        (self.root / OUTCOME_NAME).unlink(missing_ok=True)

    def quarantine(self, job: Job, number: int, entry: int, found: Quarantine) -> None:
        """Makes an image of a shard be rejected without decoding it, from now on."""
        self._write_quarantined(job, number, {**self.read_quarantined(job, number), entry: found})

    def read_quarantined(self, job: Job, number: int) -> dict[int, Quarantine]:
        """The quarantined images of a shard, by their place in the plan."""
        try:
            content = parse_any_json(self._part("quarantine", number).read_bytes())
            entries = _QUARANTINED.validate_python(content["entries"])
        except (FileNotFoundError, *OTHER_JSON):
            return {}
        return entries if content["stamp"] == job.stamps[number] else {}

    def release(self, job: Job, limit_s: float) -> None:
        """Releases images that exceeded a shorter time limit than `limit_s` (0: no limit), and drops their shards."""
        for number in range(job.shards):
            known = self.read_quarantined(job, number)
            kept = {
                entry: found
                for entry, found in known.items()
                if found.limit_s is None or 0 < limit_s <= found.limit_s
            }
            if kept != known:
                self.forget_result(number)
                self._write_quarantined(job, number, kept)

    def _write_quarantined(self, job: Job, number: int, entries: dict[int, Quarantine]) -> None:
        content: JsonObject = {
            "stamp": job.stamps[number],
            "entries": {str(entry): dataclasses.asdict(found) for entry, found in entries.items()},
        }
        write_json(self._part("quarantine", number), content)

    def _part(self, name: str, number: int) -> Path:
        return self.root / name / f"{number:05d}.json"

    def write_error(self, error: OSError) -> ConversionError:
        """The error to raise if the dataset's folder cannot be written to."""
        msg = f"cannot write to {self.dataset}: {error.strerror or error}. Nothing was published. Make room there and run the same command again: it continues."
        return ConversionError(msg)


def is_plain_file(path: Path) -> bool:
    """Whether a path is a file, and not a link to one."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _stamp(begun: int, plan: bytes) -> str:
    return hashlib.sha256(b"%d\n%b" % (begun, plan)).hexdigest()


def _changed_error(path: Path) -> ConversionError:
    msg = f"{path} is not what this launch has written: something else writes into the staging area. Nothing was published. Run the same command again."
    return ConversionError(msg)


def sha256_line(content: bytes) -> bytes:
    """The line before a result: SHA-256 of its bytes, as JSON."""
    return f'"{hashlib.sha256(content).hexdigest()}"\n'.encode()


def write_json(path: Path, content: JsonObject) -> None:
    """Writes a JSON file atomically: a reader sees the old one or the new one, whole.

    ASCII, because paths that are not valid UTF-8 (lone surrogates) must survive the round trip.
    """
    atomic_write(path, json.dumps(content))
