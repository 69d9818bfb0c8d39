"""Plans a conversion: lists the source once, and decides split, order and shard of every file by arithmetic."""

import itertools
import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fitfeed.converters.file_columns import SourceListing
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.planning.base_dataset import BaseDataset, join_classes
from fitfeed.converters.planning.class_warnings import class_warnings
from fitfeed.converters.planning.comparison import ComparisonProgress
from fitfeed.converters.planning.example_places import find_places
from fitfeed.converters.planning.fewer_collections import fewer_collections
from fitfeed.converters.planning.file_difference import examples_at
from fitfeed.converters.planning.manifest_limits import check_capacity
from fitfeed.converters.planning.select_new import select_new
from fitfeed.converters.planning.shard_plans import ShardPlans
from fitfeed.converters.planning.source_listing import (
    list_files,
    read_known_sources,
    sources_digest,
    sources_table,
)
from fitfeed.converters.planning.source_rows import listed_rows, times, united_rows
from fitfeed.converters.source_file import Comparison, SomeFiles
from fitfeed.converters.sources.discover import find_examples
from fitfeed.converters.sources.examples import ExampleTable, numbers_at, values_at
from fitfeed.converters.sources.given_source import Sources
from fitfeed.converters.sources.source_options import AS_FOUND, SourceOptions
from fitfeed.converters.sources.splits import PlacesOfSplits, by_split
from fitfeed.converters.staging.job import ConversionPlan, Job, ShardOutline, digest_of
from fitfeed.schemas.packed_texts import AT_ONCE, Places
from fitfeed.schemas.split_names import default_split


def make_plan(
    source: Sources,
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
    with fewer_collections():
        found = find_examples(
            source, options, reading, held=held, held_sources=None if base is None else base.sources
        )
    example_table = found.example_table if base is None else join_classes(base, found.example_table)
    placed = by_split(example_table, options, allow_leaks=allow_leaks)
    listing = list_files(found.roots, example_table)
    chosen = _choose_new(base, example_table, placed, listing, check_content=check_content, progress=progress)
    before = {} if base is None else {split: base.shards(split) for split in chosen.splits}
    shards = ShardPlans(chosen.splits, example_table, options, before)
    check_capacity(
        _shard_files(shards.outlines, base),
        example_table.all_class_names,
        channels=options.channels,
        depth=options.depth,
    )
    numbers: dict[str, list[int]] = {split: [] for split in chosen.splits}
    for number, outline in enumerate(shards.outlines):
        numbers[outline.split].append(number)
    table = example_table
    if base is not None:
        table = table.at(np.concatenate([np.empty(0, np.int64), *chosen.splits.values()]))
    target = None
    # A folder of other files may have the same names, sizes and times.
    identity = [
        [[root.kind, root.name, root.number] for root in found.roots],
        sources_digest(found.roots),
        chosen.source_digest,
        times(table),
        options.writing_json(),
    ]
    if base is not None:
        listed = set(table.files.keys)
        listed |= {reject.path for reject in [*found.rejects, *found.ignored]}
        target = base.append_target(listed, source_files=chosen.source_files)
        identity.append(target.fingerprint)
    job = Job(
        sources=found.roots,
        options=options,
        features=example_table.features,
        splits=numbers,
        statistics_split=_statistics_split(numbers, base),
        files=len(table.files),
        bytes=int(table.files.bytes.sum()),
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
        job,
        shards,
        shards.outlines,
        _class_counts(example_table, chosen.splits),
        listing,
        sources,
        found.links,
        warnings,
        comparison=chosen.comparison,
        gone=chosen.gone,
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

    splits: PlacesOfSplits
    source_files: int
    source_digest: str
    known: Any | None
    comparison: Comparison | None
    gone: SomeFiles


def _choose_new(
    base: BaseDataset | None,
    example_table: ExampleTable,
    splits: PlacesOfSplits,
    listing: SourceListing,
    *,
    check_content: bool,
    progress: ComparisonProgress | None,
) -> _Choice:
    """Leaves out the files that the dataset has, if there is one to join."""
    if base is None:
        digest = digest_of(listed_rows(example_table, splits))
        return _Choice(splits, len(example_table.files), digest, None, None, SomeFiles())
    known = read_known_sources(base.place, sources_digest(listing.roots.values()))
    places = find_places(listing.image_keys, base.indexes)
    new, comparison = select_new(
        base,
        example_table,
        splits,
        listing,
        places,
        known,
        check_content=check_content,
        progress=progress,
    )
    others = places.others(base.indexes)
    gone = _gone(base, listing, others)
    if known is None and gone.count == base.sources.count_of(listing.roots):
        gone = SomeFiles()  # another folder of that name, which has nothing of the first
    together = len(example_table.files) + sum(map(len, others.values()))
    digest = digest_of(united_rows(base, example_table, splits, others))
    return _Choice(new, together, digest, known, comparison, gone)


def _gone(
    base: BaseDataset, listing: SourceListing, others: Mapping[str, npt.NDArray[np.int64]]
) -> SomeFiles:
    """Those of other examples that are of the sources which are listed."""
    roots = list(listing.roots)
    rows = {split: some[np.isin(base.indexes[split].source[some], roots)] for split, some in others.items()}
    return examples_at(rows, base.indexes)


def _class_counts(example_table: ExampleTable, splits: PlacesOfSplits) -> dict[str, list[int]]:
    """How many images of each class a split has."""
    name, names = example_table.classes, example_table.class_names
    counts = {}
    for split, places in splits.items():
        if name is None:
            numbers = np.empty(0, np.intc)
        elif example_table.kinds[name] == "class":
            counts[split] = _counted(example_table.labels[name], places, classes=len(names))
            continue
        else:
            several = itertools.chain.from_iterable(values_at(example_table.labels[name], places))
            numbers = np.fromiter(several, np.intc)
        counts[split] = np.bincount(numbers, minlength=len(names)).tolist()
    return counts


def _counted(values: Sequence[int], places: Places, *, classes: int) -> list[int]:
    """How many images at some places have each class. A part at a time, as counting copies the numbers twice."""
    counts = np.zeros(classes, np.int64)
    for begin in range(0, len(places), AT_ONCE):
        counts += np.bincount(numbers_at(values, places[begin : begin + AT_ONCE]), minlength=classes)
    return counts.tolist()


def _shard_files(shards: Sequence[ShardOutline], base: BaseDataset | None) -> dict[str, list[str]]:
    files: defaultdict[str, list[str]] = defaultdict(list)
    if base is not None:
        for name, split in base.manifest.splits.items():
            files[name] = [shard.file for shard in split.shards]
    for shard in shards:
        files[shard.split].append(shard.file)
    return files


def _statistics_split(splits: Collection[str], base: BaseDataset | None) -> str:
    if base is not None:
        return base.statistics_split(splits)
    return default_split(splits)
