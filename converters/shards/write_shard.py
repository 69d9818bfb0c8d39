"""Writes one shard, the unit of work, of retry and of resumption."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

import google_crc32c
import numpy as np
from xxhash import xxh3_128_digest

from fitfeed.converters.duplicates.image_hashes import ImageHashes
from fitfeed.converters.foreign_formats import raw_by_name
from fitfeed.converters.images.decode import DecodedImage
from fitfeed.converters.images.encode import encode_image
from fitfeed.converters.images.heif import NO_DECODER, heif_formats
from fitfeed.converters.images.masks import count_values, encode_mask
from fitfeed.converters.images.memory_limit import file_bound, memory_bound, memory_is_limited
from fitfeed.converters.images.pixel_counter import PixelCounter
from fitfeed.converters.images.raw_pixels import decode_source, decode_source_mask
from fitfeed.converters.option_parts.storage import StorageOptions
from fitfeed.converters.reading.source_reader import ReadFile
from fitfeed.converters.reading.sources_reader import SourcesReader
from fitfeed.converters.rejects import ImageError, Reason, Reject, text_path
from fitfeed.converters.shards.step_times import StepTimes
from fitfeed.converters.shards.writers import Record, open_writer
from fitfeed.converters.source_file import SourceFile, SourceRoot
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job, ShardPlan
from fitfeed.converters.staging.quarantine import Quarantine
from fitfeed.converters.staging.result_check import file_identity, follows_plan, whole_identity
from fitfeed.converters.staging.results import RowColumns, ShardResult, ShardTotals
from fitfeed.converters.staging.sign_of_life import sign_of_life
from fitfeed.schemas.errors import ConversionError
from fitfeed.schemas.histogram_json import histogram_to_json
from fitfeed.schemas.payload import Pixels, payload_format
from fitfeed.schemas.storage.failures import failures_named
from fitfeed.schemas.storage.many import at_once

CONTINUES = "Run the same command again: it continues."

Progress = Callable[[int, bool], None]
"""Called after each image with its source bytes and whether it was rejected."""

Watch = Callable[[int | None], None]
"""Called with an image's place in the plan before it is decoded, and with None afterwards."""


def write_shard(
    work: WorkFolder, job: Job, number: int, progress: Progress, *, watch: Watch = lambda entry: None
) -> ShardTotals:
    """Writes a shard, unless an earlier run finished the very same one.

    The file is a pure function of its inputs, the options and the quarantined images. So writing it twice, even at the
    same time, does no harm.

    Args:
        work: The folder of the job.
        job: The job.
        number: Number of the shard.
        progress: Called after each image.
        watch: Receives which image is being decoded, so that it is known if the process crashes.

    Raises:
        ConversionError: If a file cannot be read for a reason that may pass, the shard cannot be written, or its plan is
            not the one that was made.
        OvertakenError: If another launch of the job has begun since, or this one was cancelled.
    """
    with failures_named("cannot read from", work.dataset, ConversionError, CONTINUES):
        plan, earlier, quarantined = at_once(
            work.root,
            partial(work.read_plan, job, number),
            partial(work.read_result, job, number),
            partial(work.read_quarantined, job, number),
        )
        finished = _finished_result(work, job, plan, earlier)
        if finished is not None:
            return _totals(plan, finished, reused=True)
    rejects: list[Reject] = []
    rows = RowColumns.for_labels(job.kinds)
    counter = PixelCounter(channels=job.options.channels, depth=job.options.depth)
    mask_values = {name: np.zeros(256, np.int64) for name, kind in job.kinds.items() if kind == "mask"}
    image_hashes, shards = ImageHashes(), work.place_for_shards(job)
    wanted = _files_of(job, plan, quarantined)
    times = StepTimes()
    try:
        with (
            sign_of_life(work, job),
            SourcesReader(job.sources).reading(wanted, most=file_bound(job.options.max_pixels)) as read,
            shards.area().building(plan.file) as built,
            open_writer(built.path, job.options, job.kinds) as writer,
        ):
            for entry in range(len(plan.paths)):
                made = quarantined.get(entry) or _make_record(
                    job, plan, entry, read, partial(watch, entry), times
                )
                if isinstance(made, ImageError | Quarantine):
                    watch(None)
                    rejects.append(Reject(plan.keys[entry], made.reason, made.detail))
                    progress(0, True)
                    continue
                counter.add(made.pixels)
                image_hashes.add(made.decoded.pixels)
                watch(None)
                writer.write(made.record)
                _add_row(rows, made)
                for name, mask in made.masks.items():
                    mask_values[name] += count_values(mask.pixels)
                progress(made.source_bytes, False)
                times.lap("write")
            work.require_ours(job)  # no shard of a launch that was taken for dead may replace one of the next
            stored = writer.finish()
        result = ShardResult(
            stamp=job.stamps[number],
            shard=stored.entry(plan.file),
            rows=rows.with_brightness(*counter.brightness()).placed(stored.offsets, stored.mask_offsets),
            image_hashes=image_hashes.columns(),
            rejects=rejects,
            histogram=histogram_to_json(counter.histogram()),
            mask_values={name: counts.tolist() for name, counts in mask_values.items()},
            identity=file_identity(built.found),
        )
        work.write_result(number, result)
    except OSError as error:
        raise work.write_error(error) from error
    times.lap("write")
    return _totals(plan, result, reused=False, milliseconds=times.milliseconds())


class _MadeMask(NamedTuple):
    """A mask as it is stored, its pixels, uint8 (height, width, 1), and the digest of its file."""

    payload: bytes
    pixels: Pixels
    digest: bytes


class _Made(NamedTuple):
    """An image as it is stored, and what the index says of its files.

    Attributes:
        record: What is stored.
        source: Number of its source.
        path: Its path below that.
        decoded: What the image's file decodes to.
        source_bytes: Size of that file.
        digests: xxh3-128 of that file, and of each mask's, by column of the index.
        pixels: Of the image as stored.
        masks: Label name to mask.
    """

    record: Record
    source: int
    path: str
    decoded: DecodedImage
    source_bytes: int
    digests: dict[str, bytes]
    pixels: Pixels
    masks: dict[str, _MadeMask]


def _add_row(rows: RowColumns, made: _Made) -> None:
    record = made.record
    rows.key.append(record.key)
    rows.path.append(made.path)
    rows.source.append(made.source)
    rows.length.append(len(record.payload))
    rows.crc32c.append(google_crc32c.value(record.payload))
    rows.height.append(record.height)
    rows.width.append(record.width)
    rows.source_bytes.append(made.source_bytes)
    source_height, source_width = made.decoded.pixels.shape[:2]
    rows.source_height.append(source_height)
    rows.source_width.append(source_width)
    rows.source_format.append(made.decoded.facts.format)
    rows.orientation.append(made.decoded.facts.orientation)
    rows.source_depth.append(made.decoded.facts.depth)
    rows.source_largest.append(made.decoded.facts.largest)
    rows.profile.append(made.decoded.facts.profile)
    for column, digest in made.digests.items():
        rows.digests[column] += digest
    for name, label in record.labels.items():
        if isinstance(label, bytes):  # a mask's payload
            rows.labels[f"{name}_length"].append(len(label))
            rows.labels[f"{name}_crc32c"].append(google_crc32c.value(label))
        else:
            rows.labels[name].append(label)


def _files_of(job: Job, plan: ShardPlan, quarantined: Collection[int]) -> Iterator[SourceFile]:
    """All files that may be read, in the order of the plan: each image, then its masks."""
    masks = [name for name, kind in job.kinds.items() if kind == "mask"]
    for entry in range(len(plan.paths)):
        file = plan.source_file(entry)
        if entry not in quarantined and not _camera_raw(file):
            yield file
            yield from (plan.mask_file(name, entry) for name in masks)


def _camera_raw(file: SourceFile) -> str | None:
    """What a file of camera raw is called, by its name; an example of a dataset is none, whatever it was made from."""
    return raw_by_name(file.path) if file.stored is None else None


def _make_record(
    job: Job,
    plan: ShardPlan,
    entry: int,
    read: ReadFile,
    decoding: Callable[[], None],
    times: StepTimes,
) -> _Made | ImageError:
    """Reads, decodes and encodes an image, and its masks."""
    options = job.options
    file = plan.source_file(entry)
    root = job.roots[file.source]
    labels = {name: values[entry] for name, values in plan.labels.items()}
    if raw := _camera_raw(file):
        return ImageError("unsupported_format", raw)
    try:
        data = read(file)
        times.lap("read")
        decoding()
        decoded = decode_source(data, root, options)
        times.lap("decode")
        payload, pixels = encode_image(decoded, data, options)
        size = decoded.pixels.shape[:2]
        masks = {
            name: _make_mask(read, plan.mask_file(name, entry), root, name, size, options, times)
            for name, kind in job.kinds.items()
            if kind == "mask"
        }
    except ImageError as error:
        return error
    except MemoryError as error:
        if memory_is_limited():
            return ImageError(
                "bomb", f"decoding it takes more than {memory_bound(options.max_pixels) >> 20} MiB of memory"
            )
        msg = f"out of memory while converting {root.place(file.path)}. Run the same command again with fewer --workers, or with a smaller --max-pixels: it continues."
        raise ConversionError(msg) from error
    digests = {"source_digest": xxh3_128_digest(data)}
    digests |= {f"{name}_source_digest": mask.digest for name, mask in masks.items()}
    record = Record(
        key=plan.keys[entry],
        labels={**labels, **{name: mask.payload for name, mask in masks.items()}},
        payload=payload,
        format="raw" if options.encoding == "raw" else payload_format(payload),
        height=pixels.shape[0],
        width=pixels.shape[1],
        channels=options.channels,
    )
    return _Made(
        record, root.number, plan.path_below(entry, job.roots), decoded, len(data), digests, pixels, masks
    )


def _make_mask(
    read: ReadFile,
    file: SourceFile,
    root: SourceRoot,
    name: str,
    image_size: tuple[int, int],
    options: StorageOptions,
    times: StepTimes,
) -> _MadeMask:
    """Reads, decodes and encodes a mask.

    Raises:
        ImageError: If it cannot be a mask of this image.
    """
    try:
        times.lap("write")  # of the image, or of the mask before
        data = read(file)
        times.lap("read")
        decoded = decode_source_mask(data, root, options)
        times.lap("decode")
        payload, pixels = encode_mask(decoded, image_size, options)
    except ImageError as error:
        reason: Reason = "mask_missing" if error.reason == "vanished" else error.reason
        msg = f"its {name}, {text_path(file.path)}: {error.detail}"
        raise ImageError(reason, msg) from error
    return _MadeMask(payload, pixels, xxh3_128_digest(data))


def _finished_result(
    work: WorkFolder, job: Job, plan: ShardPlan, result: ShardResult | None
) -> ShardResult | None:
    """The result of an earlier run, if it has the same plan and its file is still whole.

    A result is written only after its shard was synced and renamed. Files that could not be read are tried again: no
    size or time of a file tells that its permissions, or the disk that a link leads to, have been repaired. So are those for
    which a decoder was missing that is here now.
    """
    if result is None or not follows_plan(result, plan, job):
        return None
    if any(_may_pass(reject) for reject in result.rejects):
        return None
    identity = whole_identity(work.find_shard(plan.file), result.shard, identity=result.identity)
    if identity is None:
        return None
    if identity != result.identity:  # publication compares it once more, and need not read it again
        result = dataclasses.replace(result, identity=identity)
        try:
            work.write_result(plan.number, result)
        except OSError as error:
            raise work.write_error(error) from error
    return result


def _may_pass(reject: Reject) -> bool:
    """Whether a file may be readable now, though it is as it was."""
    return reject.reason == "unreadable" or (reject.detail == NO_DECODER and bool(heif_formats()))


def _totals(
    plan: ShardPlan,
    result: ShardResult,
    *,
    reused: bool,
    milliseconds: Mapping[str, int] = MappingProxyType({}),
) -> ShardTotals:
    return ShardTotals(
        number=plan.number,
        planned=len(plan.paths),
        examples=result.shard.examples,
        bytes=result.shard.bytes,
        rejects=dict(Counter(reject.reason for reject in result.rejects)),
        reused=reused,
        milliseconds=dict(milliseconds),
    )
