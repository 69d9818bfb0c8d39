"""Planning: list once, then decide split, order and shard of every file by arithmetic."""

import dataclasses
from collections import defaultdict
from collections.abc import Collection, Sequence
from pathlib import Path

from converters.capacity import check_capacity
from converters.existing import Existing, all_rows, select_new
from converters.layout import Labelled, in_split_order, label_by_folders
from converters.options import ConvertOptions
from converters.rejects import text_path
from converters.sources import list_folder
from converters.work import Job, ShardPlan, digest_of
from schemas.manifest import SHARD_EXTENSIONS
from schemas.sharding import number_of_shards, salted_order, shard_bounds, shard_file_name, splits_of


@dataclasses.dataclass(frozen=True)
class Plan:
    """A job and what goes into each of its shards, by number."""

    job: Job
    shards: list[ShardPlan]


def make_plan(
    source: Path,
    options: ConvertOptions,
    *,
    max_bad: int | float = 0,
    allow_leaks: bool = False,
    existing: Existing | None = None,
) -> Plan:
    """Lists a source and plans its conversion. Reads no image.

    Args:
        source: The folder.
        options: How to convert.
        max_bad: Rejects to tolerate, a number or a share.
        allow_leaks: Whether an image may stand in two splits.
        existing: The dataset that images are appended to: its files are left out.

    Raises:
        NotFoundError, UsageError: If the source is missing, empty or not laid out in classes, or
            contradicts the dataset that is appended to.
    """
    listing = list_folder(source)
    labelled, rejects = label_by_folders(
        listing.files, class_from=options.class_from, use_split_folders=options.split is None
    )
    splits = _by_split(labelled, options)
    listed = [
        (text_path(item.file.path), item.file.bytes, item.class_name, split)
        for split, items in splits.items()
        for item in items
    ]
    if existing is not None:
        splits = select_new(existing, splits)
        labelled = [item for items in splits.values() for item in items]
    found = {item.class_name for item in labelled}
    class_names = sorted(found) if existing is None else existing.class_names(found)
    labels = {name: number for number, name in enumerate(class_names)}
    numbers: dict[str, list[int]] = {}
    shards: list[ShardPlan] = []
    for split, items in splits.items():
        planned = _plan_split(
            split,
            items,
            labels=labels,
            options=options,
            first_number=len(shards),
            before=0 if existing is None else existing.shards(split),
        )
        numbers[split] = [plan.number for plan in planned]
        shards.extend(planned)
    check_capacity(_shard_files(shards, existing), class_names)
    rows = sorted(map(list, listed)) if existing is None else all_rows(existing, listed)
    times = sorted([text_path(item.file.path), item.file.mtime_ns] for item in labelled)
    source_digest = digest_of(rows)
    base, identity = None, [source_digest, times, options.writing_json()]
    if existing is not None:
        seen = {text_path(item.file.path) for item in labelled}
        seen |= {reject.path for reject in [*rejects, *listing.ignored]}
        base = existing.base(seen, source_files=len(rows))
        identity.append(base.fingerprint)
    job = Job(
        source=str(source.resolve()),
        options=options,
        class_names=class_names,
        splits=numbers,
        statistics_split=_statistics_split(numbers, existing),
        files=len(labelled),
        bytes=sum(item.file.bytes for item in labelled),
        source_digest=source_digest,
        digest=digest_of(identity),
        rejects=[dataclasses.asdict(reject) for reject in rejects],
        ignored=[dataclasses.asdict(reject) for reject in listing.ignored],
        max_bad=max_bad,
        allow_leaks=allow_leaks,
        base=base,
    )
    return Plan(job, shards)


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


def _by_split(labelled: Sequence[Labelled], options: ConvertOptions) -> dict[str, list[Labelled]]:
    groups: defaultdict[str, list[Labelled]] = defaultdict(list)
    if options.split is None:
        assigned = [item.split or "train" for item in labelled]
    else:
        keys = [text_path(item.file.path) for item in labelled]
        assigned = splits_of(keys, options.split, seed=options.seed)
    for item, split in zip(labelled, assigned, strict=True):
        groups[split].append(item)
    names = (
        in_split_order(set(groups))
        if options.split is None
        else [name for name in options.split if name in groups]
    )
    return {name: groups[name] for name in names}


def _plan_split(
    split: str,
    items: Sequence[Labelled],
    *,
    labels: dict[str, int],
    options: ConvertOptions,
    first_number: int,
    before: int,
) -> list[ShardPlan]:
    keys = [text_path(item.file.path) for item in items]
    order = salted_order(keys, seed=options.seed)
    shards = number_of_shards(
        examples=len(items),
        total_bytes=expected_bytes([item.file.bytes for item in items], options),
        shard_bytes=options.shard_bytes,
        shards=options.shards,
    )
    plans = []
    for position, (start, stop) in enumerate(shard_bounds(len(items), shards)):
        chosen = [items[i] for i in order[start:stop]]
        content = [
            [item.file.path, item.file.bytes, item.file.mtime_ns, labels[item.class_name]] for item in chosen
        ]
        file = shard_file_name(split, before + position, before + shards, SHARD_EXTENSIONS[options.format])
        plans.append(
            ShardPlan(
                number=first_number + position,
                split=split,
                file=file,
                paths=[item.file.path for item in chosen],
                keys=[text_path(item.file.path) for item in chosen],
                labels=[labels[item.class_name] for item in chosen],
                bytes=[item.file.bytes for item in chosen],
                mtimes_ns=[item.file.mtime_ns for item in chosen],
                digest=digest_of([file, content, options.writing_json()]),
            )
        )
    return plans


JPEG_BYTES_PER_PIXEL = {50: 0.12, 75: 0.2, 90: 0.36, 95: 0.55, 100: 1.2}
"""Of photographs at 256 pixels, 4:2:0; the next higher quality is taken. Only shard counts depend on it."""

PNG_BYTES_PER_VALUE = 0.6


def expected_bytes(source_bytes: Sequence[int], options: ConvertOptions) -> int:
    """Estimates the stored size of images, to choose how many shards they fill.

    Exact for `raw`, near for `keep`; for `jpeg` and `png` from typical bytes per pixel, or from the
    source's own size where the pixel count is not known.
    """
    total = sum(source_bytes)
    if options.size is None:
        return total * 4 if options.encoding == "png" else total
    height, width = options.size
    pixels = height * width * (4 / 3 if options.fit == "shorter" else 1)  # a photograph's aspect ratio
    if options.encoding == "raw":
        per_image = float(height * width * options.channels)
    elif options.encoding == "png":
        per_image = pixels * options.channels * PNG_BYTES_PER_VALUE
    else:
        quality = min(quality for quality in JPEG_BYTES_PER_PIXEL if quality >= options.quality)
        per_image = pixels * JPEG_BYTES_PER_PIXEL[quality]
    return int(len(source_bytes) * per_image)
