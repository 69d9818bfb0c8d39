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
    launch.json, alive  which launch all this belongs to, and that its workers are alive: see `staging.launch`
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
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from pydantic import TypeAdapter

from fitfeed.converters.staging.job import Job, ShardPlan
from fitfeed.converters.staging.launch import LaunchRecord
from fitfeed.converters.staging.outcome import Outcome
from fitfeed.converters.staging.quarantine import Quarantine
from fitfeed.converters.staging.result_check import file_identity
from fitfeed.converters.staging.results import ShardResult
from fitfeed.schemas.errors import ConversionError
from fitfeed.schemas.files import file_sha256
from fitfeed.schemas.manifest import WORK_FOLDER
from fitfeed.schemas.refused_conversion import OUTCOME_NAME
from fitfeed.schemas.side_tables import SOURCES_NAME, write_table
from fitfeed.schemas.storage.failures import kind_of
from fitfeed.schemas.storage.many import at_once, for_each
from fitfeed.schemas.storage.place import Place
from fitfeed.schemas.strict_json import JsonObject, parse_any_json

PARTS = ("plans", "shards", "results", "quarantine")
"""Folders that a job fills."""

BEGUN_NAME = "begun"
JOB_NAME = "job.json"

MAX_JSON_BYTES = 1 << 40
"""No limit: all JSON here is of this user, and as large as his source makes it."""

OTHER_JSON = (ValueError, TypeError, KeyError, AttributeError, OverflowError)
"""What is raised where JSON is not what this version writes: for example, a text where an object should be."""

_QUARANTINED = TypeAdapter(dict[int, Quarantine])


class WorkFolder:
    """Places and files of a job. Picklable; holds nothing but places and the seal.

    Attributes:
        dataset: The dataset that the job makes or adds to.
        root: The job's own folder.
        digest: Of the job.
        seal: SHA-256 of the job as this launch has written it; None before it is written.
    """

    def __init__(self, dataset: Place, digest: str, seal: str | None = None) -> None:
        """Names the folder. Nothing is read or written.

        Args:
            dataset: The dataset.
            digest: Of the job.
            seal: Of the job as it was written; None to read whatever is there.
        """
        self.dataset, self.digest, self.seal = dataset, digest, seal
        self.root = dataset.below(f"{WORK_FOLDER}/{digest}")

    @property
    def launch(self) -> LaunchRecord:
        """The launch that it belongs to."""
        return LaunchRecord(self.root)

    @property
    def shards(self) -> Place:
        """Where shard files are staged."""
        return self.root.below("shards")

    @property
    def kept(self) -> Place:
        """Where publication writes shards without their duplicates."""
        return self.root.below("kept")

    def place_for_shards(self, job: Job) -> Place:
        """Where the shards of a job are written.

        They are staged where moving them costs nothing, or where they would replace shards of a dataset that is
        still whole. Else they get their final names at once, which nothing knows before the manifest is there.
        """
        replaces = job.base is None and job.seen is not None
        return self.shards if replaces or self.root.area().moves_at_once else self.dataset

    def place_for_indexes(self, job: Job) -> Place:
        """Where publication writes indexes and the tables beside them: like shards, if they replace nothing."""
        return self.dataset if job.base is None and self.place_for_shards(job) == self.dataset else self.root

    def find_shard(self, file: str) -> Place:
        """Where a finished shard is. It may be in place already."""
        return self.shards if self.shards.area().has_file(file) else self.dataset

    def begin(self, *, is_there: bool = True) -> str:
        """Makes the folder and all in it, empty, also if it `is_there`. Returns when it was begun: see `find_earlier`."""
        if is_there:
            self.root.delete_all()
        for name in PARTS:
            self.root.below(name).area().make()
        return self.root.area().mark(BEGUN_NAME)

    def find_earlier(self) -> Job | None:
        """The job that an earlier run began here, if that was in this very place and all its parts are there; else None.

        No program can choose what marks `begun` (`WorkArea.mark`). So it is what its `job.json` says only where a run has
        made both: not where they were copied, or unpacked from an archive.
        """
        job = self.read_job_or_none()
        if job is None or job.begun != self.root.area().marked(BEGUN_NAME):
            return None
        try:
            for name in PARTS:
                self.root.below(name).area().make()
        except FileExistsError:  # a file has the name
            return None
        return job

    def write_sources(self, table: Any | None) -> str | None:
        """Saves what is known of the source's files: a record batch of `sources_schema`, or None.

        Returns:
            SHA-256 of the table; None if there is none.
        """
        return None if table is None else write_table(self.root, SOURCES_NAME, table)

    def keep_sources(self, sha256: str | None) -> str | None:
        """Keeps this table of an earlier run, or removes another one: it only saves work.

        Returns:
            SHA-256 of the table; None if there is none now.
        """
        area = self.root.area()
        if sha256 is not None and area.has_file(SOURCES_NAME):
            with self.root.as_file(SOURCES_NAME) as path:
                if file_sha256(path) == sha256:
                    return sha256
        self.root.delete(SOURCES_NAME)
        return None

    def write_job(self, job: Job) -> "WorkFolder":
        """Saves the job; its presence means that planning has finished.

        Returns:
            The same folder, with the seal of the job.
        """
        content = json.dumps(job.to_json()).encode()
        self.root.write(JOB_NAME, content)
        return WorkFolder(self.dataset, self.digest, hashlib.sha256(content).hexdigest())

    def read_job(self) -> Job:
        """Loads the job.

        Raises:
            ConversionError: If it is not the one that this launch has written.
        """
        content = _read(self.root, JOB_NAME)
        if self.seal is not None and hashlib.sha256(content).hexdigest() != self.seal:
            raise _changed_error(self.root, JOB_NAME)
        return Job.from_json(parse_any_json(content))

    def require_ours(self, job: Job) -> None:
        """Checks that no other launch has begun here since, and nobody has cancelled this one.

        Where the lock of a folder keeps all others out, nothing needs to be checked.

        Raises:
            OvertakenError: If one has.
        """
        if job.launch:
            self.launch.require(job.launch)

    def read_job_or_none(self) -> Job | None:
        """Loads the job, or returns None if there is none that this version can read."""
        try:
            return self.read_job()
        except (OSError, *OTHER_JSON):
            return None

    def write_plans(self, plans: Sequence[ShardPlan], begun: str, *, is_new: bool) -> list[str]:
        """Saves what goes into each shard, unless it is there; in a new folder nothing is. Returns the stamps."""

        # Plans are made when they are asked for: what has been written need not stay in memory.
        def write(number: int) -> str:
            return self.write_plan(plans[number], begun, is_new=is_new)

        return for_each(self.root, write, range(len(plans)))

    def write_plan(self, plan: ShardPlan, begun: str, *, is_new: bool = False) -> str:
        """Saves what goes into a shard, unless it is there.

        Args:
            plan: The plan.
            begun: When the folder was begun.
            is_new: Whether this launch has begun it, so that nothing is there.

        Returns:
            The stamp of all that is made from this plan, here.
        """
        name = _part("plans", plan.number)
        content = plan.to_json()
        if is_new or _read_or_none(self.root, name) != content:
            self.root.write(name, content)
        return _stamp(begun, content)

    def read_plan(self, job: Job, number: int) -> ShardPlan:
        """Loads what goes into a shard.

        Raises:
            ConversionError: If it is not what was planned.
        """
        name = _part("plans", number)
        content = _read(self.root, name)
        if _stamp(job.begun, content) != job.stamps[number]:
            raise _changed_error(self.root, name)
        return ShardPlan(**json.loads(content))

    def write_result(self, number: int, result: ShardResult) -> None:
        """Saves what came out of a shard, after a line with the SHA-256 of the rest."""
        content = json.dumps(result.to_json()).encode()
        self.root.write(_part("results", number), sha256_line(content) + content)

    def read_result(self, job: Job, number: int) -> ShardResult | None:
        """Loads what came out of a shard, or None if it is not finished: if there is nothing that was made from its plan here."""
        try:
            line, end, content = _read(self.root, _part("results", number)).partition(b"\n")
            if line + end != sha256_line(content):  # a disk has failed, or somebody has edited it
                return None
            result = ShardResult.from_json(parse_any_json(content))
        except (FileNotFoundError, *OTHER_JSON):
            return None
        return result if result.stamp == job.stamps[number] else None

    def has_results_of(self, numbers: Iterable[int]) -> bool:
        """Whether all of some shards have a result."""
        listed = self._listed("results")
        return all(_numbered(number) in listed for number in numbers)

    def finished(self) -> dict[str, str]:
        """The results that are there: name to what is another text when it is written again. They are not opened."""
        return self._listed("results")

    def forget_result(self, number: int) -> None:
        """Removes the result of a shard, so that it is written again."""
        self.root.delete(_part("results", number))

    def has_results(self) -> bool:
        """Whether any shard has a result."""
        return bool(self._listed("results"))

    def write_outcome(self, outcome: Outcome) -> None:
        """Saves what publication decided."""
        write_json(self.root, OUTCOME_NAME, outcome.to_json())

    def read_outcome(self) -> Outcome | None:
        """Loads what publication decided, or returns None if there is nothing that this version can read."""
        try:
            return Outcome.from_json(parse_any_json(_read(self.root, OUTCOME_NAME)))
        except (OSError, *OTHER_JSON):
            return None

    def has_outcome(self) -> bool:
        """Whether publication has decided."""
        return self.root.area().has_file(OUTCOME_NAME)

    def forget_outcome(self) -> None:
        """Removes the outcome, so that publication decides again."""
        self.root.delete(OUTCOME_NAME)

    def quarantine(self, job: Job, number: int, entry: int, found: Quarantine) -> None:
        """Makes an image of a shard be rejected without decoding it, from now on."""
        self._write_quarantined(job, number, {**self.read_quarantined(job, number), entry: found})

    def read_quarantined(self, job: Job, number: int) -> dict[int, Quarantine]:
        """The quarantined images of a shard, by their place in the plan."""
        try:
            content = parse_any_json(_read(self.root, _part("quarantine", number)))
            entries = _QUARANTINED.validate_python(content["entries"])
        except (FileNotFoundError, *OTHER_JSON):
            return {}
        return entries if content["stamp"] == job.stamps[number] else {}

    def release(self, job: Job, limit_s: float) -> None:
        """Releases images that exceeded a shorter time limit than `limit_s` (0: no limit), and drops their shards."""
        listed = self._listed("quarantine")
        for number in range(job.shards):
            if _numbered(number) not in listed:
                continue
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
        write_json(self.root, _part("quarantine", number), content)

    def _listed(self, folder: str) -> dict[str, str]:
        """All files of a part: name to `file_identity`. In a store, one request lists a thousand."""
        try:
            return {found.name: file_identity(found) for found in self.root.below(folder).files()}
        except NotADirectoryError:  # a file has the name
            return {}

    def remove(self) -> None:
        """Removes the folder. If that is interrupted, what is left is not a job that can be continued."""
        # First: deleting all the rest may take long in a store.
        at_once(self.root, self.launch.forget, self._forget_job)
        self.root.delete_all()

    def _forget_job(self) -> None:
        with suppress(IsADirectoryError):
            self.root.delete(JOB_NAME)  # without its outcome, a job that was published looks unfinished

    def write_error(self, error: OSError) -> ConversionError:
        """The error to raise if the dataset's folder cannot be written to."""
        msg = f"cannot write to {self.dataset}: {error.strerror or error}. Nothing was published. {self.root.area().advice} and run the same command again: it continues."
        return kind_of(error)(msg)


def _part(folder: str, number: int) -> str:
    return f"{folder}/{_numbered(number)}"


def _numbered(number: int) -> str:
    return f"{number:05d}.json"


def _read(place: Place, name: str) -> bytes:
    content, _ = place.read(name, at_most=MAX_JSON_BYTES)
    return content


def _read_or_none(place: Place, name: str) -> bytes | None:
    try:
        return _read(place, name)
    except FileNotFoundError:
        return None


def _stamp(begun: str, plan: bytes) -> str:
    return hashlib.sha256(b"%b\n%b" % (begun.encode(), plan)).hexdigest()


def _changed_error(place: Place, name: str) -> ConversionError:
    msg = f"{place.address(name)} is not what this launch has written: something else writes into the staging area. Nothing was published. Run the same command again."
    return ConversionError(msg)


def sha256_line(content: bytes) -> bytes:
    """The line before a result: SHA-256 of its bytes, as JSON."""
    return f'"{hashlib.sha256(content).hexdigest()}"\n'.encode()


def write_json(place: Place, name: str, content: JsonObject) -> None:
    """Writes a JSON file: a reader sees the old one or the new one, whole.

    ASCII, because paths that are not valid UTF-8 (lone surrogates) must survive the round trip.
    """
    place.write(name, json.dumps(content).encode())
