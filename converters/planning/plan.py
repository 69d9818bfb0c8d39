"""Plans a conversion: lists the source once, and decides split, order and shard of every file by arithmetic."""

import itertools
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.planning.base_dataset import BaseDataset, all_rows, join_classes, select_new
from fitfeed.converters.planning.class_warnings import class_warnings
from fitfeed.converters.planning.comparison import ComparisonProgress
from fitfeed.converters.planning.file_difference import find_difference
from fitfeed.converters.planning.manifest_limits import check_capacity
from fitfeed.converters.planning.size_estimate import expected_bytes
from fitfeed.converters.planning.source_listing import (
    list_files,
    read_known_sources,
    sources_digest,
    sources_table,
)
from fitfeed.converters.rejects import text_path
from fitfeed.converters.source_file import Comparison, SomeFiles, SourceFile, SourceListing
from fitfeed.converters.sources.discover import find_examples
from fitfeed.converters.sources.examples import ExampleTable
from fitfeed.converters.sources.given_source import GivenSource
from fitfeed.converters.sources.source_options import AS_FOUND, SourceOptions
from fitfeed.converters.sources.splits import by_split
from fitfeed.converters.staging.job import ConversionPlan, Job, ShardPlan, digest_of
from fitfeed.converters.user_path import UserPath
from fitfeed.schemas.manifest import SHARD_EXTENSIONS
from fitfeed.schemas.sharding import number_of_shards, salted_order, shard_bounds, shard_file_name


def make_plan(
    source: UserPath | Sequence[GivenSource],
    options: ConvertOptions,
    reading: SourceOptions = AS_FOUND,
    *,
    max_bad: int | float = 0,
    allow_leaks: bool = False,
    base: BaseDataset | None = None,
    seen: str | None = None,
    check_content: bool = False,
    progress: ComparisonProgress | None = None,
) -> ConversionPlan:
    """Lists a source and plans its conversion. Reads no image but those that are compared with `base`.

    Args:
        source: A folder of images, a table that names them, or a dataset; or several of these.
        options: How to convert.
        reading: What else is said of the source.
        max_bad: How many rejects are tolerated: a number, or a share of all files.
        allow_leaks: Whether the same pixels, or a group, may be in two splits.
        base: The dataset that images are appended to: its files are left out.
        seen: SHA-256 of the manifest at the target; None if there is none.
        check_content: Whether files that `base` has are read although their size and times are the known ones.
        progress: Receives the progress of reading them.

    Raises:
        NotFoundError, UsageError: If the source or its labels are missing, empty or not what they must be, or
            contradict the dataset that is appended to.
        SplitLeakError: If a group is in two splits.
    """
    listed_ns = time.time_ns()
    held = None if base is None else base.class_names
    found = find_examples(
        source, options, reading, held=held, held_sources=None if base is None else base.sources
    )
    example_table = found.example_table if base is None else join_classes(base, found.example_table)
    placed = by_split(example_table, options, allow_leaks=allow_leaks)
    listing = list_files(found.roots, example_table, list(itertools.chain.from_iterable(placed.values())))
    chosen = _choose_new(base, example_table, placed, listing, check_content=check_content, progress=progress)
    shards = _plan_shards(chosen.splits, example_table, options, base)
    check_capacity(
        _shard_files(shards, base),
        example_table.all_class_names,
        channels=options.channels,
        depth=options.depth,
    )
    numbers = {split: [plan.number for plan in shards if plan.split == split] for split in chosen.splits}
    new = list(itertools.chain.from_iterable(chosen.splits.values()))
    target = None
    # A folder of other files may have the same names, sizes and times.
    identity = [
        [[root.kind, root.name, root.number] for root in found.roots],
        sources_digest(found.roots),
        chosen.source_digest,
        _times(example_table, new),
        options.writing_json(),
    ]
    if base is not None:
        listed = {text_path(example_table.files[place].path) for place in new}
        listed |= {reject.path for reject in [*found.rejects, *found.ignored]}
        target = base.append_target(listed, source_files=chosen.source_files)
        identity.append(target.fingerprint)
    job = Job(
        sources=found.roots,
        options=options,
        features=example_table.features,
        splits=numbers,
        statistics_split=_statistics_split(numbers, base),
        files=len(new),
        bytes=sum(example_table.files[place].bytes for place in new),
        source_digest=chosen.source_digest,
        digest=digest_of(identity),
        rejects=found.rejects,
        ignored=found.ignored,
        max_bad=max_bad,
        allow_leaks=allow_leaks,
        base=target,
        seen=seen,
    )
    sources = sources_table(listing, chosen.known, listed_ns=listed_ns)
    warnings = [*found.warnings, *class_warnings(example_table)]
    return ConversionPlan(
        job, shards, listing, sources, found.links, warnings, comparison=chosen.comparison, gone=chosen.gone
    )


class _Choice(NamedTuple):
    """What is to be converted, and what is known of the rest.

    Attributes:
        splits: Split to the places of the files that are to be converted.
        source_files: Number of files in the source and in the dataset it joins, each once.
        source_digest: Digest of all of them.
        known: What `sources.arrow` of that dataset knows of files in the same folder.
        comparison: How the files that it has already were compared.
        gone: Those of its files that the source no longer has.
    """

    splits: dict[str, list[int]]
    source_files: int
    source_digest: str
    known: Any | None
    comparison: Comparison | None
    gone: SomeFiles


def _choose_new(
    base: BaseDataset | None,
    example_table: ExampleTable,
    splits: dict[str, list[int]],
    listing: SourceListing,
    *,
    check_content: bool,
    progress: ComparisonProgress | None,
) -> _Choice:
    """Leaves out the files that the dataset has, if there is one to join."""
    rows = _listed(example_table, splits)
    if base is None:
        return _Choice(splits, len(rows), digest_of(rows), None, None, SomeFiles())
    known = read_known_sources(base.place, sources_digest(listing.roots.values()))
    gone = find_difference(listing, base.indexes, sources=listing.roots).gone
    if known is None and gone.count == base.sources.count_of(listing.roots):
        gone = SomeFiles()  # another folder of that name, which has nothing of the first
    new, comparison = select_new(
        base, example_table, splits, listing.roots, known, check_content=check_content, progress=progress
    )
    rows = all_rows(base, rows)
    return _Choice(new, len(rows), digest_of(rows), known, comparison, gone)


def _listed(example_table: ExampleTable, splits: dict[str, list[int]]) -> list[list[Any]]:
    """What identifies the source: path, size, labels and split of each file, sorted."""
    places = list(itertools.chain.from_iterable(splits.values()))
    files = [example_table.files[place] for place in places]
    columns: list[Iterable[Any]] = [
        [text_path(file.path) for file in files],
        [file.bytes for file in files],
        *(example_table.values(name, places) for name in example_table.labels),
        itertools.chain.from_iterable([split] * len(some) for split, some in splits.items()),
    ]
    return sorted(map(list, zip(*columns, strict=True)))


def _times(example_table: ExampleTable, places: Sequence[int]) -> list[list[Any]]:
    """What tells that files and their masks are as they were: times of modification, or ETags."""
    columns: list[list[Any]] = [[text_path(example_table.files[i].path) for i in places]]
    for column in (example_table.files, *example_table.labels.values()):
        if column and isinstance(column[0], SourceFile):
            files = [column[i] for i in places]
            columns.append([file.mtime_ns for file in files])
            if any(file.etag for file in files):
                columns.append([file.etag for file in files])
    return sorted(map(list, zip(*columns, strict=True)))


def _shard_files(shards: Sequence[ShardPlan], base: BaseDataset | None) -> dict[str, list[str]]:
    files: defaultdict[str, list[str]] = defaultdict(list)
    if base is not None:
        for name, split in base.manifest.splits.items():
            files[name] = [shard.file for shard in split.shards]
    for plan in shards:
        files[plan.split].append(plan.file)
    return files


def _statistics_split(splits: Collection[str], base: BaseDataset | None) -> str:
    if base is not None:
        return base.statistics_split(splits)
    return "train" if "train" in splits else next(iter(splits))


def _plan_shards(
    splits: Mapping[str, Sequence[int]],
    example_table: ExampleTable,
    options: ConvertOptions,
    base: BaseDataset | None,
) -> list[ShardPlan]:
    """All shards, split after split."""
    shards: list[ShardPlan] = []
    for split, places in splits.items():
        before = 0 if base is None else base.shards(split)
        shards += _plan_split(
            split, places, example_table, options, first_number=len(shards), shards_before=before
        )
    return shards


def _plan_split(
    split: str,
    places: Sequence[int],
    example_table: ExampleTable,
    options: ConvertOptions,
    *,
    first_number: int,
    shards_before: int,
) -> list[ShardPlan]:
    files = [example_table.files[place] for place in places]
    order = salted_order([text_path(file.path) for file in files], seed=options.seed)
    shards = number_of_shards(
        examples=len(files),
        total_bytes=expected_bytes([file.bytes for file in files], options),
        shard_bytes=options.shard_bytes,
        shards=options.shards,
    )
    plans = []
    for position, (start, stop) in enumerate(shard_bounds(len(files), shards)):
        chosen = [files[i] for i in order[start:stop]]
        identities = [[each.source, *each.content_identity] for each in chosen]
        labels = {
            name: [_planned(values[places[i]]) for i in order[start:stop]]
            for name, values in example_table.labels.items()
        }
        extension = SHARD_EXTENSIONS[options.format]
        file = shard_file_name(split, shards_before + position, shards_before + shards, extension)
        plans.append(
            ShardPlan(
                number=first_number + position,
                split=split,
                file=file,
                paths=[each.path for each in chosen],
                keys=[text_path(each.path) for each in chosen],
                labels=labels,
                bytes=[each.bytes for each in chosen],
                mtimes_ns=[each.mtime_ns for each in chosen],
                sources=[each.source for each in chosen] if any(each.source for each in chosen) else [],
                stored=[each.stored for each in chosen] if any(each.stored for each in chosen) else [],
                digest=digest_of([file, identities, labels, options.writing_json()]),
                etags=[each.etag for each in chosen] if any(each.etag for each in chosen) else [],
            )
        )
    return plans


def _planned(label: Any) -> Any:
    """A label as it is in the plan. A mask is what was listed of its file."""
    return list(label.content_identity) if isinstance(label, SourceFile) else label
