"""Planning: list once, then decide split, order and shard of every file by arithmetic."""

import dataclasses
import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from fitfeed.converters.capacity import check_capacity
from fitfeed.converters.existing import Existing, all_rows, join_classes, select_new
from fitfeed.converters.labels import label_by_table
from fitfeed.converters.layout import Labelled, label_by_folders
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.pictures import ListedPictures, NamedPictures
from fitfeed.converters.rejects import Reject, text_path
from fitfeed.converters.sources import SourceFile, list_folder
from fitfeed.converters.splits import by_split
from fitfeed.converters.tables import Table, is_table
from fitfeed.converters.work import Job, ShardPlan, digest_of
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.features import MAX_CLASS_NAMES, MAX_CLASSES
from fitfeed.schemas.manifest import SHARD_EXTENSIONS
from fitfeed.schemas.sharding import number_of_shards, salted_order, shard_bounds, shard_file_name


@dataclasses.dataclass(frozen=True)
class Plan:
    """A job and what goes into each of its shards, by number."""

    job: Job
    shards: list[ShardPlan]


def make_plan(
    source: Path,
    options: ConvertOptions,
    *,
    labels: Path | None = None,
    max_bad: int | float = 0,
    allow_leaks: bool = False,
    existing: Existing | None = None,
) -> Plan:
    """Lists a source and plans its conversion. Reads no image.

    Args:
        source: A folder of images, or a table that names them.
        options: How to convert.
        labels: For a folder: a table of labels.
        max_bad: How many rejects are tolerated: a number, or a share of all files.
        allow_leaks: Whether the same pixels, or a group, may stand in two splits.
        existing: The dataset that images are appended to: its files are left out.

    Raises:
        NotFoundError, UsageError: If the source or its labels are missing, empty or not laid out as
            they must be, or contradict the dataset that is appended to.
        SplitLeakError: If a group stands in two splits.
    """
    found = find_labelled(source, options, labels)
    labelled = found.labelled if existing is None else join_classes(existing, found.labelled)
    splits = by_split(labelled, options, allow_leaks=allow_leaks)
    rows = _listed(labelled, splits)
    if existing is not None:
        splits = select_new(existing, labelled, splits)
        rows = all_rows(existing, rows)
    source_files, source_digest = len(rows), digest_of(rows)
    del rows  # as large as the plan, which is made next
    numbers: dict[str, list[int]] = {}
    shards: list[ShardPlan] = []
    for split, places in splits.items():
        before = 0 if existing is None else existing.shards(split)
        planned = _plan_split(
            split, places, labelled, options, first_number=len(shards), shards_before=before
        )
        numbers[split] = [plan.number for plan in planned]
        shards.extend(planned)
    check_capacity(
        _shard_files(shards, existing),
        labelled.class_names(),
        channels=options.channels,
        depth=options.depth,
    )
    new = list(itertools.chain.from_iterable(splits.values()))
    base, identity = None, [source_digest, _times(labelled, new), options.writing_json()]
    if existing is not None:
        seen = {text_path(labelled.files[place].path) for place in new}
        seen |= {reject.path for reject in [*found.rejects, *found.ignored]}
        base = existing.base(seen, source_files=source_files)
        identity.append(base.fingerprint)
    job = Job(
        source=str(found.root.resolve()),
        options=options,
        labels=labelled.features,
        splits=numbers,
        statistics_split=_statistics_split(numbers, existing),
        files=len(new),
        bytes=sum(labelled.files[place].bytes for place in new),
        source_digest=source_digest,
        digest=digest_of(identity),
        rejects=[dataclasses.asdict(reject) for reject in found.rejects],
        ignored=[dataclasses.asdict(reject) for reject in found.ignored],
        max_bad=max_bad,
        allow_leaks=allow_leaks,
        base=base,
    )
    return Plan(job, shards)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Found:
    """What a source holds.

    Attributes:
        root: Folder that all paths are relative to.
        labelled: What is to become examples.
        rejects: What cannot, and counts as bad.
        ignored: What is not meant to.
    """

    root: Path
    labelled: Labelled
    rejects: list[Reject]
    ignored: list[Reject]


def find_labelled(source: Path, options: ConvertOptions, labels: Path | None) -> Found:
    """Lists a source and labels its images, by their folders or by a table."""
    if is_table(source):
        if labels is not None:
            msg = f"SOURCE {source} is a table of labels itself, so --labels {labels} has no place. Give one of them."
            raise UsageError(msg)
        root = source.parent
        labelled, rejects, _ = label_by_table(Table(source), NamedPictures(root).find, root, options)
        return _checked(root, labelled, rejects, [])
    if labels is None and options.needs_table is not None:
        msg = f"{options.needs_table} needs a table of labels. Add --labels TABLE, or give a .csv or .jsonl file as SOURCE."
        raise UsageError(msg)
    listing = list_folder(source)
    if labels is None:
        labelled, rejects = label_by_folders(
            listing.files, class_from=options.class_from, use_split_folders=options.split is None
        )
        return _checked(source, labelled, rejects, listing.ignored)
    table = Table(labels)
    labelled, rejects, named = label_by_table(table, ListedPictures(listing.files).find, source, options)
    unnamed = [
        Reject(text_path(file.path), "label_invalid", f"ignored: no row of {table.name} names it", "ignored")
        for file in listing.files
        if file.path not in named
    ]
    return _checked(source, labelled, rejects, [*listing.ignored, *unnamed])


def _checked(root: Path, labelled: Labelled, rejects: list[Reject], ignored: list[Reject]) -> Found:
    for name, feature in labelled.features.items():
        names = feature.get("class_names", ())
        if len(names) > MAX_CLASSES or sum(map(len, names)) > MAX_CLASS_NAMES:
            msg = f"{name!r} has {len(names)} different classes, more than a manifest can name ({MAX_CLASSES}, or {MAX_CLASS_NAMES} characters together). Is it a text? Then give --label-column COLUMN:text."
            raise UsageError(msg)
    rejected = [reject for reject in rejects if reject.handling == "rejected"]
    also_ignored = [reject for reject in rejects if reject.handling == "ignored"]
    return Found(root=root, labelled=labelled, rejects=rejected, ignored=[*ignored, *also_ignored])


def _listed(labelled: Labelled, splits: dict[str, list[int]]) -> list[list[Any]]:
    """What identifies the source, in an order of its own: path, size, labels and split of each file."""
    files, names = labelled.files, labelled.labels
    return sorted(
        [text_path(files[i].path), files[i].bytes, *(labelled.value(name, i) for name in names), split]
        for split, places in splits.items()
        for i in places
    )


def _times(labelled: Labelled, places: Iterable[int]) -> list[list[Any]]:
    """When the files at some places, and their masks, were changed last."""
    masks = [values for values in labelled.labels.values() if values and isinstance(values[0], SourceFile)]
    return sorted(
        [text_path(labelled.files[i].path), labelled.files[i].mtime_ns, *(mask[i].mtime_ns for mask in masks)]
        for i in places
    )


def _shard_files(shards: Sequence[ShardPlan], existing: Existing | None) -> dict[str, list[str]]:
    files: defaultdict[str, list[str]] = defaultdict(list)
    if existing is not None:
        for name, split in existing.manifest.splits.items():
            files[name] = [shard.file for shard in split.shards]
    for plan in shards:
        files[plan.split].append(plan.file)
    return files


def _statistics_split(splits: Collection[str], existing: Existing | None) -> str:
    if existing is not None:
        return existing.statistics_split(splits)
    return "train" if "train" in splits else next(iter(splits))


def _plan_split(
    split: str,
    places: Sequence[int],
    labelled: Labelled,
    options: ConvertOptions,
    *,
    first_number: int,
    shards_before: int,
) -> list[ShardPlan]:
    files = [labelled.files[place] for place in places]
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
        labels = {
            name: [values[places[i]] for i in order[start:stop]] for name, values in labelled.labels.items()
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
                labels={name: [_planned(value) for value in values] for name, values in labels.items()},
                bytes=[each.bytes for each in chosen],
                mtimes_ns=[each.mtime_ns for each in chosen],
                digest=digest_of([file, chosen, labels, options.writing_json()]),
            )
        )
    return plans


def _planned(label: Any) -> Any:
    """A label as the plan has it: of a mask, what was listed."""
    return list(label) if isinstance(label, SourceFile) else label


JPEG_BYTES_PER_PIXEL = {50: 0.12, 75: 0.2, 90: 0.36, 95: 0.55, 100: 1.2}
"""Of photographs at 256 pixels, 4:2:0; the next higher quality is taken. Only shard counts depend on it."""

PNG_BYTES_PER_VALUE = 0.6


def expected_bytes(source_bytes: Sequence[int], options: ConvertOptions) -> int:
    """Estimates the stored size of images, to choose how many shards they fill.

    Exact for `raw`, near for `keep`; for `jpeg` and `png` from typical bytes per pixel, or from the
    source's own size where the pixel count is not known.
    """
    total, value_bytes = sum(source_bytes), options.depth // 8
    if options.size is None:
        return total * 4 * value_bytes if options.encoding == "png" else total
    height, width = options.size
    pixels = height * width * (4 / 3 if options.fit == "shorter" else 1)  # a photograph's aspect ratio
    if options.encoding == "raw":
        per_image = float(height * width * options.channels * value_bytes)
    elif options.encoding == "png":
        per_image = pixels * options.channels * PNG_BYTES_PER_VALUE * value_bytes
    else:
        quality = min(quality for quality in JPEG_BYTES_PER_PIXEL if quality >= options.quality)
        per_image = pixels * JPEG_BYTES_PER_PIXEL[quality]
    return int(len(source_bytes) * per_image)
