"""The folder of one job in the staging area: what is planned, what is done, all on disk.

```
DATASET/.work/
  lock                  held by the launch that converts into DATASET
  <digest of the job>/
    job.json            options, source, classes and the list of shards, written once
    plans/00003.json    what goes into shard 3
    shards/             shard files, under their final names once they are whole
    results/00003.json  totals, index rows and rejects of shard 3, written after its file
    quarantine/00003.json  images of shard 3 that must not be decoded again, and why
    kept/               shards from which publication has left out duplicates
    outcome.json        what publication decided
```

Different jobs share no file, and equal jobs write equal bytes. A conversion that was stopped finds here what it need
not do again. Who writes what, and when: see `fitfeed.converters.staging.staging`.
"""

import dataclasses
import json
from pathlib import Path

from fitfeed.converters.staging.job import Job, ShardPlan
from fitfeed.converters.staging.outcome import Outcome
from fitfeed.converters.staging.quarantine import Quarantine
from fitfeed.converters.staging.results import ShardResult
from fitfeed.schemas.errors import ConversionError
from fitfeed.schemas.files import atomic_write
from fitfeed.schemas.manifest import WORK_FOLDER
from fitfeed.schemas.strict_json import JsonObject

PARTS = ("plans", "shards", "results", "quarantine")
"""Folders that a job fills."""

OUTCOME_NAME = "outcome.json"


class WorkFolder:
    """Paths and files of a job. Picklable; holds nothing but paths.

    Attributes:
        dataset: The dataset that the job makes or adds to.
        root: The job's own folder.
    """

    def __init__(self, dataset: Path, digest: str) -> None:
        """Names the folder. Nothing is read or written.

        Args:
            dataset: The dataset.
            digest: Of the job.
        """
        self.dataset = dataset
        self.root = dataset / WORK_FOLDER / digest

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
        return path if path.is_file() else self.dataset / file

    def create(self) -> None:
        """Makes all folders."""
        for name in PARTS:
            (self.root / name).mkdir(parents=True, exist_ok=True)

    def write_job(self, job: Job) -> None:
        """Saves the job; its presence means that planning has finished."""
        write_json(self.root / "job.json", job.to_json())

    def read_job(self) -> Job:
        """Loads the job."""
        return Job.from_json(json.loads((self.root / "job.json").read_text()))

    def read_job_or_none(self) -> Job | None:
        """Loads the job, or returns None if there is none that this version can read."""
        try:
            return self.read_job()
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def write_plan(self, plan: ShardPlan) -> None:
        """Saves what goes into a shard."""
        write_json(self.root / "plans" / f"{plan.number:05d}.json", dataclasses.asdict(plan))

    def read_plan(self, number: int) -> ShardPlan:
        """Loads what goes into a shard."""
        return ShardPlan(**json.loads((self.root / "plans" / f"{number:05d}.json").read_text()))

    def write_result(self, number: int, result: ShardResult) -> None:
        """Saves what came out of a shard."""
        write_json(self._result_path(number), result.to_json())

    def read_result(self, number: int) -> ShardResult | None:
        """Loads what came out of a shard, or None if it is not finished."""
        try:
            text = self._result_path(number).read_text()
        except FileNotFoundError:
            return None
        return ShardResult.from_json(json.loads(text))

    def has_result(self, number: int) -> bool:
        """Whether a shard is finished."""
        return self._result_path(number).is_file()

    def write_outcome(self, outcome: Outcome) -> None:
        """Saves what publication decided."""
        write_json(self.root / OUTCOME_NAME, outcome.to_json())

    def read_outcome(self) -> Outcome | None:
        """Loads what publication decided, or returns None if there is nothing that this version can read."""
        try:
            return Outcome.from_json(json.loads((self.root / OUTCOME_NAME).read_text()))
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def forget_outcome(self) -> None:
        """Removes the outcome, so that publication decides again."""
        (self.root / OUTCOME_NAME).unlink(missing_ok=True)

    def quarantine(self, plan: ShardPlan, entry: int, found: Quarantine) -> None:
        """Makes an image of a shard be rejected without decoding it, from now on."""
        self._write_quarantined(plan.number, plan.digest, {**self.read_quarantined(plan), entry: found})

    def read_quarantined(self, plan: ShardPlan) -> dict[int, Quarantine]:
        """The quarantined images of a shard, by their place in the plan."""
        try:
            content = json.loads(self._quarantined_path(plan.number).read_text())
        except FileNotFoundError:
            return {}
        if content["digest"] != plan.digest:
            return {}
        return {int(entry): Quarantine(**found) for entry, found in content["entries"].items()}

    def release(self, limit_s: float) -> None:
        """Releases images that exceeded a shorter time limit than `limit_s` (0: no limit), and drops their shards."""
        for path in self.root.glob("quarantine/*.json"):
            plan = self.read_plan(int(path.stem))
            known = self.read_quarantined(plan)
            kept = {
                entry: found
                for entry, found in known.items()
                if found.limit_s is None or 0 < limit_s <= found.limit_s
            }
            if kept != known:
                self._result_path(plan.number).unlink(missing_ok=True)
                self._write_quarantined(plan.number, plan.digest, kept)

    def _write_quarantined(self, number: int, digest: str, entries: dict[int, Quarantine]) -> None:
        content: JsonObject = {
            "digest": digest,
            "entries": {str(entry): dataclasses.asdict(found) for entry, found in entries.items()},
        }
        write_json(self._quarantined_path(number), content)

    def _quarantined_path(self, number: int) -> Path:
        return self.root / "quarantine" / f"{number:05d}.json"

    def _result_path(self, number: int) -> Path:
        return self.root / "results" / f"{number:05d}.json"

    def write_error(self, error: OSError) -> ConversionError:
        """The error to raise if the dataset's folder cannot be written to."""
        msg = f"cannot write to {self.dataset}: {error.strerror or error}. Nothing was published. Make room there and run the same command again: it continues."
        return ConversionError(msg)


def write_json(path: Path, content: JsonObject) -> None:
    """Writes a JSON file atomically: a reader sees the old one or the new one, whole.

    ASCII, because paths that are not valid UTF-8 (lone surrogates) must survive the round trip.
    """
    atomic_write(path, json.dumps(content))
