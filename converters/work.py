"""The working folder of a conversion: what is planned, what is done, all on disk.

```
DATASET/.work/
  job.json            options, source, classes and the list of shards, written once
  plans/00003.json    what goes into shard 3
  shards/             shard files, under their final names once they are whole
  results/00003.json  totals, index rows and rejects of shard 3, written after its file
  condemned/00003.json  images of shard 3 that must not be decoded again, and why
  kept/               shards from which publication has left out duplicates
  outcome.json        what publication decided
```

A conversion that was stopped finds here what it need not do again.
"""

import dataclasses
import hashlib
import json
import os
import uuid
from collections.abc import Collection, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from fitfeed.converters.condemned import Verdict
from fitfeed.converters.options import ConvertOptions
from fitfeed.schemas.errors import ConversionError
from fitfeed.schemas.features import LabelKind
from fitfeed.schemas.manifest import WORK_FOLDER


@dataclasses.dataclass(frozen=True, kw_only=True)
class ShardPlan:
    """What goes into one shard.

    Attributes:
        number: Unique among all shards of the conversion.
        split: Split it belongs to.
        file: Its final name.
        paths: Source paths in stored order, as the file system knows them.
        keys: Their keys.
        labels: By feature name, for each: class number, list of them, number, text; of a mask its path,
            size and time of modification.
        bytes: Their sizes when they were listed.
        mtimes_ns: When they had last been modified then, in nanoseconds; 0 where that is not known.
        digest: Over all that decides the shard's bytes.
    """

    number: int
    split: str
    file: str
    paths: list[str]
    keys: list[str]
    labels: dict[str, list[Any]]
    bytes: list[int]
    mtimes_ns: list[int]
    digest: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Base:
    """The complete dataset that a job's images are appended to.

    Attributes:
        fingerprint: Of its manifest: the job is for this very dataset.
        statistics_split: The split whose pixels it has counted.
        source_files: Files that it and the job are made from, together.
        retried: Paths that its list of rejects names, and that the job tries again.
    """

    fingerprint: str
    statistics_split: str
    source_files: int
    retried: list[str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job:
    """A whole conversion.

    Attributes:
        source: Absolute path of the source folder.
        options: How to convert.
        labels: Label name to what the manifest says of it before masks are known: `kind`, `class_names`.
        splits: Split name to the numbers of its shards, in order.
        statistics_split: The split whose pixels are counted.
        files: How many files were planned.
        bytes: Their total size.
        source_digest: Over the listing, and what is in `base` already; goes into the manifest.
        digest: Over the listing with modification times, and the options that shards are written
            by: identifies the job.
        rejects: Files refused while planning, as `Reject` fields.
        ignored: Files ignored while listing, as `Reject` fields.
        max_bad: How many rejects are tolerated: a number, or a share of all files.
        allow_leaks: Whether the same pixels may stand in two splits.
        base: The dataset that is appended to, or None to make a new one.
    """

    source: str
    options: ConvertOptions
    labels: dict[str, dict[str, Any]]
    splits: dict[str, list[int]]
    statistics_split: str
    files: int
    bytes: int
    source_digest: str
    digest: str
    rejects: list[dict[str, Any]]
    ignored: list[dict[str, Any]]
    max_bad: int | float
    allow_leaks: bool
    base: Base | None = None

    @property
    def kinds(self) -> dict[str, LabelKind]:
        """Label name to kind."""
        return {name: feature["kind"] for name, feature in self.labels.items()}

    @property
    def classes(self) -> str | None:
        """The first label that has classes."""
        return next((name for name, feature in self.labels.items() if "class_names" in feature), None)

    @property
    def class_names(self) -> list[str]:
        """Of that label, in order."""
        return [] if self.classes is None else self.labels[self.classes]["class_names"]

    @property
    def shards(self) -> int:
        """Number of shards in all splits."""
        return sum(len(numbers) for numbers in self.splits.values())

    @property
    def counted_splits(self) -> set[str]:
        """Splits whose pixels are counted: two, if images join a dataset that counted another one so far."""
        return {self.statistics_split} | ({self.base.statistics_split} if self.base else set())

    @property
    def allowed_rejects(self) -> int:
        """`max_bad` as a number of files."""
        return (
            self.max_bad
            if isinstance(self.max_bad, int)
            else int(self.max_bad * (self.files + len(self.rejects)))
        )


PARTS = ("plans", "shards", "results", "condemned")
"""Folders whose content belongs to one job."""


STAGED_REJECTS = "rejects.append.jsonl"
"""What a new list of rejects is called until the old one is no longer needed (`fitfeed.converters.append`)."""


class WorkFolder:
    """Paths and files of a working folder. Picklable; holds nothing but its path."""

    def __init__(self, dataset: Path) -> None:
        """Names the working folder of a dataset, without touching it."""
        self.dataset = dataset
        self.root = dataset / WORK_FOLDER

    @property
    def shards(self) -> Path:
        """Where shard files are built."""
        return self.root / "shards"

    @property
    def kept(self) -> Path:
        """Where publication builds shards without their duplicates."""
        return self.root / "kept"

    def find_shard(self, file: str) -> Path:
        """Where a finished shard is: here, or in place already if publication was interrupted."""
        path = self.shards / file
        return path if path.is_file() else self.dataset / file

    def create(self) -> None:
        """Makes the folders."""
        for name in PARTS:
            (self.root / name).mkdir(parents=True, exist_ok=True)

    def write_job(self, job: Job) -> None:
        """Saves the job; its presence means that planning has finished."""
        content = {**dataclasses.asdict(job), "options": job.options.to_json()}
        write_json(self.root / "job.json", content)

    def read_job(self) -> Job:
        """Loads the job."""
        content = json.loads((self.root / "job.json").read_text())
        content["base"] = content["base"] and Base(**content["base"])
        return Job(**{**content, "options": ConvertOptions.from_json(content["options"])})

    def read_job_or_none(self) -> Job | None:
        """Loads the job, or returns None where there is none that this version can read."""
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

    def write_result(self, number: int, result: dict[str, Any]) -> None:
        """Saves what came out of a shard."""
        write_json(self._result_path(number), result)

    def read_result(self, number: int) -> dict[str, Any] | None:
        """Loads what came out of a shard, or None if it is not finished."""
        try:
            result: dict[str, Any] = json.loads(self._result_path(number).read_text())
        except FileNotFoundError:
            return None
        return result

    def condemn(self, plan: ShardPlan, entry: int, verdict: Verdict) -> None:
        """Has an image of a shard rejected without a look from now on."""
        self._write_condemned(plan.number, plan.digest, {**self.read_condemned(plan), entry: verdict})

    def read_condemned(self, plan: ShardPlan) -> dict[int, Verdict]:
        """The verdicts on images of a shard, by their place in the plan."""
        try:
            content = json.loads(self._condemned_path(plan.number).read_text())
        except FileNotFoundError:
            return {}
        if content["digest"] != plan.digest:
            return {}
        return {int(entry): Verdict(**verdict) for entry, verdict in content["entries"].items()}

    def pardon(self, limit_s: float) -> None:
        """Forgets verdicts of a shorter time limit than `limit_s` (0: none), and shards made with them."""
        for path in self.root.glob("condemned/*.json"):
            plan = self.read_plan(int(path.stem))
            known = self.read_condemned(plan)
            kept = {
                entry: verdict
                for entry, verdict in known.items()
                if verdict.limit_s is None or 0 < limit_s <= verdict.limit_s
            }
            if kept != known:
                self._result_path(plan.number).unlink(missing_ok=True)
                self._write_condemned(plan.number, plan.digest, kept)

    def _write_condemned(self, number: int, digest: str, entries: dict[int, Verdict]) -> None:
        content = {
            "digest": digest,
            "entries": {str(entry): dataclasses.asdict(verdict) for entry, verdict in entries.items()},
        }
        write_json(self._condemned_path(number), content)

    def _condemned_path(self, number: int) -> Path:
        return self.root / "condemned" / f"{number:05d}.json"

    def _result_path(self, number: int) -> Path:
        return self.root / "results" / f"{number:05d}.json"

    def write_error(self, error: OSError) -> ConversionError:
        """What to raise when the dataset's folder cannot be written to."""
        msg = f"cannot write to {self.dataset}: {error.strerror or error}. Nothing was published. Make room there and run the same command again: it continues."
        return ConversionError(msg)

    def sweep_temporary_files(self) -> None:
        """Removes what writers that were killed left behind."""
        for path in self.root.glob("**/*.tmp-*"):
            path.unlink(missing_ok=True)


def move_into(work: WorkFolder, names: Iterable[str]) -> None:
    """Moves finished files to the dataset; called again after an interruption, it goes on."""
    for name in names:
        for folder in (work.root, work.kept, work.shards):
            if (folder / name).exists():  # if not, an interrupted publication moved it already
                (folder / name).replace(work.dataset / name)
                break  # a shard without its duplicates replaces the whole one


def remove_leftovers(dataset: Path, keep: Collection[str]) -> None:
    """Removes what other conversions left in a dataset's folder, and nothing that is not a dataset's."""
    for pattern in ("*-of-*.tfrecord", "*-of-*.h5", "*.index.arrow", STAGED_REJECTS):
        for path in dataset.glob(pattern):
            if path.name not in keep:
                path.unlink()


def write_json(path: Path, content: Any) -> None:
    """Writes a JSON file atomically: a reader sees the old one or the new one, whole.

    ASCII, because paths that are not valid UTF-8 (lone surrogates) must survive the round trip.
    """
    write_text(path, json.dumps(content))


def write_text(path: Path, text: str) -> None:
    """Writes a text file atomically and durably."""
    temporary = path.with_name(f"{path.name}.tmp-{uuid.uuid4().hex}")
    try:
        with temporary.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def digest_of(content: Any) -> str:
    """SHA-256 over a value's canonical JSON, of which no more than a part is held at a time."""
    digest = hashlib.sha256()
    for part in _canonical_json(content):
        digest.update(part.encode())
    return digest.hexdigest()


ITEMS_AT_ONCE = 1 << 14


def _canonical_json(content: Any) -> Iterator[str]:
    """JSON with sorted keys and no spaces; long lists, on the first two levels, in parts."""
    to_json = partial(json.dumps, sort_keys=True, separators=(",", ":"))
    if not isinstance(content, list):
        yield to_json(content)
    elif len(content) > ITEMS_AT_ONCE:
        for start in range(0, len(content), ITEMS_AT_ONCE):
            yield ("," if start else "[") + to_json(content[start : start + ITEMS_AT_ONCE])[1:-1]
        yield "]"
    else:
        for number, item in enumerate(content):
            yield "," if number else "["
            if isinstance(item, list) and len(item) > ITEMS_AT_ONCE:
                yield from _canonical_json(item)
            else:
                yield to_json(item)
        yield "]" if content else "[]"
