"""The plan of a conversion, as the staging area stores it: the job, and what goes into each shard."""

import builtins
import dataclasses
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from typing_extensions import override

from fitfeed.converters.file_columns import SourceListing
from fitfeed.converters.link_report import LinkReport
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.rejects import Reject, count_extensions, text_path
from fitfeed.converters.source_file import (
    Comparison,
    RawPixels,
    SomeFiles,
    SourceFile,
    SourceRoot,
    StoredAt,
)
from fitfeed.schemas.features import PlannedLabel, WithLabels
from fitfeed.schemas.integer_column import IntegerColumn
from fitfeed.schemas.json_columns import json_items, to_json
from fitfeed.schemas.packed_texts import PackedTexts
from fitfeed.schemas.sharding import is_shard_file_name
from fitfeed.schemas.strict_json import JsonObject, parse_any_json


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class ShardPlan:
    """What goes into one shard. Two are equal if they are stored as the same bytes.

    Attributes:
        number: Number of the shard, unique in the conversion.
        split: Split that it belongs to.
        file: Its final name.
        paths: Source paths in stored order, as in the file system.
        keys: Their keys.
        labels: By feature name, for each: class number, list of them, number, text; of a mask what identifies its
            file (`SourceFile.content_identity`).
        bytes: Their sizes when they were listed.
        mtimes_ns: When they had last been modified then, in nanoseconds; 0 if that is not known.
        digest: SHA-256 of all that decides the shard's bytes.
        etags: In a store, their ETags; else nothing.
        sources: The numbers of their sources; empty if all are of the first.
        stored: Where datasets have their bytes, None for files; empty if all are files.
    """

    number: int
    split: str
    file: str
    paths: Sequence[str]
    keys: Sequence[str]
    labels: Mapping[str, Sequence[Any]]
    bytes: Sequence[int]
    mtimes_ns: Sequence[int]
    digest: str
    etags: Sequence[str] = dataclasses.field(default_factory=list)
    sources: list[int] = dataclasses.field(default_factory=list)
    stored: list[StoredAt | None] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        """Holds the name of the file against its pattern: it must not lead out of the folder of shards."""
        if not is_shard_file_name(self.file):
            msg = f"a shard is called like train-00003-of-00016.tfrecord. Received: {self.file!r}"
            raise ValueError(msg)

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, ShardPlan) and self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]

    def to_json(self) -> builtins.bytes:
        """The plan as the staging area stores it. Of columns, it is made fast."""
        pieces: list[Any] = []
        for name, value in vars(self).items():
            pieces += [f'{", " if pieces else "{"}"{name}": '.encode(), *_value_json(value)]
        return b"".join([*pieces, b"}"])

    def source(self, entry: int) -> int:
        """Number of the source of an image."""
        return self.sources[entry] if self.sources else 0

    def path_below(self, entry: int, roots: Mapping[int, SourceRoot]) -> str:
        """The path of an image below its source, as text."""
        return text_path(roots[self.source(entry)].below(self.paths[entry]))

    def source_file(self, entry: int) -> SourceFile:
        """The file of an image, by its place in the plan."""
        etag = self.etags[entry] if self.etags else ""
        stored = (self.stored[entry] if self.stored else None) or ()
        listed = (self.paths[entry], self.bytes[entry], self.mtimes_ns[entry], etag)
        return SourceFile.planned(*listed, *stored, source=self.source(entry))

    def mask_file(self, name: str, entry: int) -> SourceFile:
        """The file of a mask of an image."""
        return SourceFile.planned(*self.labels[name][entry], source=self.source(entry))


def _value_json(value: Any) -> list[Any]:
    """The JSON of an attribute, in pieces that have bytes."""
    if isinstance(value, dict):
        pieces: list[Any] = []
        for name, each in value.items():
            pieces += [b", " if pieces else b"", json.dumps(name).encode(), b": ", *_value_json(each)]
        return [b"{", *pieces, b"}"]
    if isinstance(value, IntegerColumn | PackedTexts):
        return [b"[", *json_items(value, ", "), b"]"]
    return [json.dumps(value).encode()]


class ShardOutline(NamedTuple):
    """What is known of a shard without its plan.

    Attributes:
        split: Split that it belongs to.
        file: Its final name.
        images: How many it has.
        source_bytes: The size of their files together.
    """

    split: str
    file: str
    images: int
    source_bytes: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class AppendTarget:
    """The complete dataset to which the images of a job are appended.

    Attributes:
        fingerprint: Fingerprint of its manifest when the job was planned.
        source_files: Number of files from which it and the job are made, together.
        retried: Paths that its list of rejects names, and that the job tries again.
    """

    fingerprint: str
    source_files: int
    retried: list[str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job(WithLabels):
    """A whole conversion.

    Attributes:
        sources: The sources of its files.
        options: How to convert.
        splits: Split name to the numbers of its shards, in order.
        statistics_split: The split that the statistics describe.
        files: How many files were planned.
        bytes: Their total size.
        source_digest: SHA-256 of the listing, and of what is in `base` already. The manifest has it.
        digest: SHA-256 of the sources' folders, of the listing with modification times, and of the options by which shards
            are written. It identifies the job.
        rejects: Files refused while planning.
        ignored: Files ignored while listing.
        max_bad: How many rejects are tolerated: a number, or a share of all files.
        allow_leaks: Whether the same pixels may be in two splits.
        base: The dataset that is appended to, or None to make a new one.
        seen: SHA-256 of the `manifest.json` that planning saw; None if there was none. The job is published only
            while this is what is there.
        begun: What marks the beginning of its folder: see `WorkFolder.find_earlier`; empty before.
        sources_sha256: SHA-256 of the `sources.arrow` that is published with the shards; None if there is none.
        launch: The token of its launch (`staging.launch`); empty where the lock of a folder keeps all others out.
        engine: The runner whose workers convert it, which may outlive the launch; empty in the local run.
        stamps: For each shard, the stamp of all that is made from its plan; none before the plans are written.
    """

    sources: list[SourceRoot]
    options: ConvertOptions
    splits: dict[str, list[int]]
    statistics_split: str
    files: int
    bytes: int
    source_digest: str
    digest: str
    rejects: list[Reject]
    ignored: list[Reject]
    max_bad: int | float
    allow_leaks: bool
    base: AppendTarget | None = None
    seen: str | None = None
    begun: str = ""
    sources_sha256: str | None = None
    launch: str = ""
    engine: str = ""
    stamps: list[str] = dataclasses.field(default_factory=list)

    @cached_property
    def roots(self) -> dict[int, SourceRoot]:
        """The sources by number."""
        return {source.number: source for source in self.sources}

    @property
    def shards(self) -> int:
        """Number of shards in all splits."""
        return sum(len(numbers) for numbers in self.splits.values())

    @property
    def unnamed(self) -> int:
        """How many pictures of the source no row of the table names."""
        return sum(reject.reason == "label_invalid" for reject in self.ignored)

    @property
    def ignored_extensions(self) -> dict[str, int]:
        """How many other files than pictures were ignored, by extension."""
        return count_extensions(self.ignored)

    @property
    def allowed_rejects(self) -> int:
        """`max_bad` as a number of files."""
        return (
            self.max_bad
            if isinstance(self.max_bad, int)
            else int(self.max_bad * (self.files + len(self.rejects)))
        )

    def does_the_same(self, other: "Job") -> bool:
        """Whether two launches of these jobs would publish the same, whenever and wherever they run."""
        return bool(_without_launch(self) == _without_launch(other))

    def to_json(self) -> JsonObject:
        """The job as the staging area stores it."""
        return {**dataclasses.asdict(self), "options": self.options.to_json()}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Job":
        """Inverse of `to_json`.

        Raises:
            TypeError, ValueError, KeyError: If it is not what this version writes.
        """
        fields = {
            **content,
            "sources": [_root(source) for source in content["sources"]],
            "options": ConvertOptions.from_json(content["options"]),
            "features": {name: PlannedLabel(**label) for name, label in content["features"].items()},
            "rejects": [Reject(**reject) for reject in content["rejects"]],
            "ignored": [Reject(**reject) for reject in content["ignored"]],
            "base": content["base"] and AppendTarget(**content["base"]),
        }
        return cls(**fields)


def _without_launch(job: Job) -> object:
    plain = dataclasses.replace(
        job, seen=None, begun="", sources_sha256=None, launch="", engine="", stamps=[]
    )
    return parse_any_json(json.dumps(plain.to_json()))  # tuples become lists


def _root(content: Mapping[str, Any]) -> SourceRoot:
    raw = content["raw"]
    return SourceRoot(**{**content, "raw": None if raw is None else RawPixels(*raw)})


@dataclasses.dataclass(frozen=True)
class ConversionPlan:
    """A job and what goes into each of its shards, by number.

    Attributes:
        job: The job.
        shards: What goes into each. Each plan is made when it is asked for: all of them take much memory.
        outlines: The same in short.
        class_counts: Split to the number of its images of each class.
        listing: All files of the source that examples are made from, those in the dataset already included.
        sources: What `sources.arrow` is to say of them: a record batch of `sources_schema`.
        links: Where the links of the source lead.
        warnings: What a person should know before the work begins: a line each. They decide nothing.
        comparison: How the files that the dataset has were compared with it; None if there is none.
        gone: Examples of the dataset whose images the source no longer has.
    """

    job: Job
    shards: Sequence[ShardPlan]
    outlines: Sequence[ShardOutline] = ()
    class_counts: Mapping[str, Sequence[int]] = dataclasses.field(default_factory=dict)
    listing: SourceListing | None = None
    sources: Any | None = None
    links: LinkReport = dataclasses.field(default_factory=LinkReport)
    warnings: list[str] = dataclasses.field(default_factory=list)
    comparison: Comparison | None = None
    gone: SomeFiles = dataclasses.field(default_factory=SomeFiles)

    def outline(self) -> "ConversionPlan":
        """The same without what is said of each file. Of ten million images, that takes a gigabyte."""
        return dataclasses.replace(self, shards=[], listing=None, sources=None)


class LongList(NamedTuple):
    """A list for `digest_of` of which only a part is in memory at a time.

    Attributes:
        parts: The canonical JSON of some items each, without brackets around them.
    """

    parts: Iterable[bytes]


def digest_of(content: Any) -> str:
    """SHA-256 of a value's canonical JSON. A `LongList` may be the value, or in it where all around it are lists and objects."""
    digest = hashlib.sha256()
    for part in _canonical_json(content):
        digest.update(part)
    return digest.hexdigest()


def _canonical_json(content: Any) -> Iterator[bytes]:
    if isinstance(content, LongList):
        yield b"["
        for number, part in enumerate(filter(None, content.parts)):
            yield b"," if number else b""
            yield part
        yield b"]"
    elif isinstance(content, list) and _is_long(content):
        for number, item in enumerate(content):
            yield b"," if number else b"["
            yield from _canonical_json(item)
        yield b"]"
    elif isinstance(content, dict) and _is_long(content):
        for number, (name, item) in enumerate(sorted(content.items())):
            yield b"%b%b:" % (b"," if number else b"{", to_json(name).encode())
            yield from _canonical_json(item)
        yield b"}"
    else:
        yield to_json(content).encode()


def _is_long(value: Any) -> bool:
    """Whether a value is a `LongList`, or has one in it."""
    if isinstance(value, list | dict):
        return any(map(_is_long, value.values() if isinstance(value, dict) else value))
    return isinstance(value, LongList)
