"""Finds examples that are the same picture, and decides what happens to them."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fitfeed.converters.duplicate_pair import DuplicatePair, NearDuplicateReport, PairKind
from fitfeed.converters.duplicates.near_duplicates import find_near_duplicates
from fitfeed.converters.planning.base_dataset import BaseDataset
from fitfeed.converters.rejects import Reject
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.results import ShardResult, Words, label_columns

NO_WORDS: Words = np.empty((0, 2), np.uint64)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExampleColumns:
    """Examples as columns: all that were written, and those of the dataset that have the pixels of one of them.

    Those that were written come first, split by split in manifest order.

    Attributes:
        existing: bool (n,), whether it was in the dataset before.
        shard: int64 (n,), number of its shard; -1 if it was in the dataset before.
        row: int64 (n,), its place in that shard, or in its split's index if it was there before.
        split: int64 (n,), number of its split.
        digest: uint64 (n, 2), equal for equal pixels.
        look: uint64 (n, 2), similar for similar pictures.
        path: Returns the path of an example. Paths stay in the results.
        labels: Returns all labels of an example; of a mask, its length and checksum.
    """

    existing: npt.NDArray[np.bool_]
    shard: npt.NDArray[np.int64]
    row: npt.NDArray[np.int64]
    split: npt.NDArray[np.int64]
    digest: Words
    look: Words
    path: Callable[[int], str]
    labels: Callable[[int], list[Any]]


def example_columns(
    job: Job, results: Sequence[ShardResult], base: BaseDataset | None = None
) -> ExampleColumns:
    """Collects the examples of all shards.

    Args:
        job: The job.
        results: Of every shard, by number.
        base: The dataset that is appended to.
    """
    written = _written(job, results, [] if base is None else list(base.manifest.splits))
    return written if base is None else _with_like(written, base)


def _written(job: Job, results: Sequence[ShardResult], known_splits: Sequence[str]) -> ExampleColumns:
    names = [*known_splits, *(name for name in job.splits if name not in known_splits)]
    numbers = [number for shards in job.splits.values() for number in shards]
    sizes = [results[number].shard.examples for number in numbers]
    of_split = [names.index(name) for name, shards in job.splits.items() for _ in shards]
    image_hashes = [results[number].image_hashes for number in numbers]
    shard = np.repeat(np.asarray(numbers, np.int64), sizes)
    row = np.concatenate([np.empty(0, np.int64), *(np.arange(size) for size in sizes)])

    def path(example: int) -> str:
        text: str = results[shard[example]].rows.key[row[example]]
        return text

    columns = label_columns(job.kinds)

    def labels(example: int) -> list[Any]:
        rows = results[shard[example]].rows
        return [rows.labels[column][row[example]] for column in columns]

    return ExampleColumns(
        existing=np.zeros(len(shard), np.bool_),
        shard=shard,
        row=row,
        split=np.repeat(np.asarray(of_split, np.int64), sizes),
        digest=np.concatenate([NO_WORDS, *(each.digests for each in image_hashes)]),
        look=np.concatenate([NO_WORDS, *(each.hashes for each in image_hashes)]),
        path=path,
        labels=labels,
    )


def _with_like(written: ExampleColumns, base: BaseDataset) -> ExampleColumns:
    """Adds the examples of the dataset that have the digest of one that was written."""
    rows, splits, digests = [written.row], [written.split], [written.digest]
    indexes = list(base.indexes.values())
    for number, index in enumerate(indexes):
        digest = index.pixel_digest.view("<u8").reshape(-1, 2)
        like = np.flatnonzero(np.isin(digest[:, 0], written.digest[:, 0]))
        rows.append(like)
        splits.append(np.full(len(like), number))
        digests.append(digest[like])
    row, split, count = np.concatenate(rows), np.concatenate(splits), len(written.row)
    more = len(row) - count

    def path(example: int) -> str:
        return written.path(example) if example < count else indexes[split[example]].key(int(row[example]))

    def labels(example: int) -> list[Any]:
        if example < count:
            return written.labels(example)
        return base.labels(indexes[split[example]], int(row[example]))

    return ExampleColumns(
        existing=np.arange(len(row)) >= count,
        shard=np.concatenate([written.shard, np.full(more, -1)]),
        row=row,
        split=split,
        digest=np.concatenate(digests),
        look=np.concatenate([written.look, np.zeros((more, 2), np.uint64)]),
        path=path,
        labels=labels,
    )


class ExamplePair(NamedTuple):
    """An example with the same pixels as another one, by number in the columns.

    Attributes:
        example: It.
        of: The one that comes first: by path in the same split, else in the first split that has it.
            One that was in the dataset before comes before all that are appended.
        kind: Whether split and labels are the same.
    """

    example: int
    of: int
    kind: PairKind


def find_pairs(examples: ExampleColumns) -> list[ExamplePair]:
    """Finds all written examples that have exactly the pixels of another one.

    An example may be listed twice: as a leak, and as a copy within its split. Pairs are ordered by path, so their order
    does not depend on how the shards were written.
    """
    copies = [copy for group in _groups(examples) for copy in _pairs(examples, group)]
    return sorted(copies, key=lambda copy: (examples.path(copy.example), copy.kind))


def find_later_copies(examples: ExampleColumns) -> list[ExamplePair]:
    """Finds all written examples that have the pixels of another one of any split that comes first by path.

    Of all examples with the same pixels, one is not in the list; or none of those that were written, if one was in the
    dataset before.
    """
    copies = []
    for group in _groups(examples):
        first, *others = sorted(
            group, key=lambda example: (not examples.existing[example], examples.path(example))
        )
        copies += [
            ExamplePair(example, first, _kind_of_copy(examples, first, example))
            for example in others
            if not examples.existing[example]
        ]
    return sorted(copies, key=lambda copy: examples.path(copy.example))


def _kind_of_copy(examples: ExampleColumns, first: int, example: int) -> PairKind:
    return "duplicate" if examples.labels(first) == examples.labels(example) else "label_conflict"


def _groups(examples: ExampleColumns) -> Iterator[list[int]]:
    """Groups of two or more examples with the same pixels: existing ones first, then by split and path."""
    order = np.lexsort((examples.digest[:, 1], examples.digest[:, 0]))
    same = (examples.digest[order[1:]] == examples.digest[order[:-1]]).all(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], same, [False]]).astype(np.int8)))
    for start, stop in edges.reshape(-1, 2).tolist():
        members: list[int] = order[start : stop + 1].tolist()
        yield sorted(
            members,
            key=lambda example: (
                not examples.existing[example],
                examples.split[example],
                examples.path(example),
            ),
        )


def _pairs(examples: ExampleColumns, group: list[int]) -> Iterator[ExamplePair]:
    first_of: dict[int, int] = {}
    for example in group:
        split = int(examples.split[example])
        first = first_of.setdefault(split, example)
        if examples.existing[example]:
            continue  # counted when it was written
        if first != example:
            yield ExamplePair(example, first, _kind_of_copy(examples, first, example))
        if examples.split[group[0]] != split:
            yield ExamplePair(example, group[0], "split_leak")


@dataclasses.dataclass(frozen=True, kw_only=True)
class DuplicateReport:
    """The duplicates that were found, and what follows from `--duplicates`.

    Attributes:
        copies: Counts for the manifest, of what will be published: `within`, `across_splits`,
            `label_conflicts`, `dropped`.
        pairs: Pairs with the same pixels, the worst first: leaks, then conflicts, then duplicates.
        near_duplicates: Those that look alike.
        dropped: Shard number to the rows that are left out of it.
        rejects: The reject of each of them.
    """

    copies: dict[str, int]
    pairs: list[DuplicatePair]
    near_duplicates: NearDuplicateReport
    dropped: dict[int, list[int]]
    rejects: list[Reject]


def find_duplicates(
    job: Job, results: Sequence[ShardResult], base: BaseDataset | None = None
) -> DuplicateReport:
    """Finds pictures that occur more than once.

    Args:
        job: The job.
        results: Of every shard, by number.
        base: The dataset that is appended to. Its examples stay. Near-duplicates among them are
            not searched for.
    """
    examples = example_columns(job, results, base)
    drop = job.options.duplicates == "drop"
    # With --split, nobody has chosen in which split an image is, so of all its copies one is enough.
    copies = find_later_copies(examples) if drop and job.options.split is not None else find_pairs(examples)
    dropped = [copy for copy in copies if copy.kind != "split_leak"] if drop else []
    kept = copies
    if dropped:
        gone = {copy.example for copy in dropped}
        kept = [copy for copy in copies if copy.example not in gone]
    rows: dict[int, list[int]] = {}
    for copy in dropped:
        rows.setdefault(int(examples.shard[copy.example]), []).append(int(examples.row[copy.example]))
    return DuplicateReport(
        copies={
            "within": sum(copy.kind != "split_leak" for copy in kept),
            "across_splits": sum(copy.kind == "split_leak" for copy in kept),
            "label_conflicts": sum(copy.kind == "label_conflict" for copy in kept),
            "dropped": len(dropped),
        },
        pairs=_by_path(examples, copies),
        near_duplicates=_near_duplicates(examples, copies),
        dropped={number: sorted(rows[number]) for number in sorted(rows)},
        rejects=[_reject(job, examples, copy) for copy in dropped],
    )


def _by_path(examples: ExampleColumns, copies: Sequence[ExamplePair]) -> list[DuplicatePair]:
    gravest_first = sorted(copies, key=lambda copy: copy.kind, reverse=True)
    return [
        DuplicatePair((examples.path(copy.example), examples.path(copy.of)), copy.kind)
        for copy in gravest_first
    ]


def _near_duplicates(examples: ExampleColumns, copies: Sequence[ExamplePair]) -> NearDuplicateReport:
    distinct = ~examples.existing
    distinct[[copy.example for copy in copies]] = False
    chosen = np.flatnonzero(distinct)
    splits = examples.split[chosen]
    found = find_near_duplicates(examples.look[chosen], splits)
    pairs = []
    for later, earlier, distance in found.pairs.tolist():
        kind: PairKind = "near_duplicate" if splits[later] == splits[earlier] else "near_split_leak"
        paths = (examples.path(int(chosen[later])), examples.path(int(chosen[earlier])))
        pairs.append(DuplicatePair(paths, kind, distance))
    return NearDuplicateReport(
        within=found.within, across_splits=found.across_splits, pairs=pairs, exhaustive=found.exhaustive
    )


def _reject(job: Job, examples: ExampleColumns, copy: ExamplePair) -> Reject:
    first = examples.path(copy.of)
    if copy.kind == "duplicate":
        return Reject(
            examples.path(copy.example), "duplicate", f"has the same pixels as {first}", handling="ignored"
        )
    if list(job.kinds.values()) == ["class"]:
        mine, other = (job.class_names[examples.labels(example)[0]] for example in (copy.example, copy.of))
        detail = f"is of class {mine}, but has the same pixels as {first} of class {other}"
    else:
        detail = f"has the same pixels as {first}, but other labels"
    return Reject(examples.path(copy.example), "label_conflict", detail)
