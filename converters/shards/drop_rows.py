"""Leaves examples out of a shard that is already written, without reading the source."""

import dataclasses
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO

import google_crc32c
import numpy as np

from fitfeed.converters.images.masks import count_values
from fitfeed.converters.images.pixel_counter import PixelCounter
from fitfeed.converters.option_parts.storage import StorageOptions
from fitfeed.converters.shards.writers import Record, open_writer
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job
from fitfeed.converters.staging.results import PayloadPlace, RowColumns, ShardResult
from fitfeed.schemas.bit_depth import STORED_TYPES
from fitfeed.schemas.cpus import available_cpus
from fitfeed.schemas.errors import ConversionError
from fitfeed.schemas.histogram_json import histogram_from_json, histogram_to_json
from fitfeed.schemas.payload import Pixels, decode_payload, payload_format


def drop_rows(
    work: WorkFolder, job: Job, results: list[ShardResult], dropped: Mapping[int, list[int]]
) -> list[ShardResult]:
    """Leaves rows out of their shards.

    Shards that stay complete are not touched. The others are written again, in `work.kept`, so that after an
    interruption only this step is repeated.

    Args:
        work: The folder of the job.
        job: The job.
        results: The result of every shard, by number.
        dropped: Shard number to the rows to leave out.

    Returns:
        The results as if the dropped files had never been planned.

    Raises:
        ConversionError: If a shard was changed after it was written.
        OSError: If it cannot be read or written.
    """
    work.kept.area().make()
    with ThreadPoolExecutor(available_cpus()) as threads:  # they copy and hash, mostly without the GIL
        changed = threads.map(
            lambda number: _without(work, job, results[number], frozenset(dropped[number])), dropped
        )
        replaced = dict(zip(dropped, changed, strict=True))
    return [replaced.get(number, result) for number, result in enumerate(results)]


def _without(work: WorkFolder, job: Job, result: ShardResult, dropped: frozenset[int]) -> ShardResult:
    rows, file = result.rows, result.shard.file
    histogram = histogram_from_json(result.histogram, job.options.depth)
    gone = PixelCounter(channels=job.options.channels, depth=job.options.depth)
    mask_values = {name: np.array(counts, np.int64) for name, counts in result.mask_values.items()}
    count = len(rows.key)
    with (
        work.find_shard(file).as_file(file) as source,
        source.open("rb") as shard,
        work.kept.area().building(file) as built,
        open_writer(built.path, job.options, job.kinds) as writer,
    ):
        for row in range(count):
            payload = _payload(work, shard, rows.place(row))
            if row not in dropped:
                labels = {
                    name: _payload(work, shard, rows.place(row, mask=name))
                    if kind == "mask"
                    else rows.labels[name][row]
                    for name, kind in job.kinds.items()
                }
                writer.write(_record(payload, labels, rows, row, job.options))
            else:
                gone.add(_stored_pixels(payload, rows, row, job.options))
                for name, counts in mask_values.items():
                    mask = _payload(work, shard, rows.place(row, mask=name))
                    counts -= count_values(_stored_mask(mask, rows, row, job.options))
        stored = writer.finish()
    kept_rows = [row for row in range(count) if row not in dropped]
    return dataclasses.replace(
        result,
        shard=stored.entry(file),
        rows=rows.select(kept_rows).placed(stored.offsets, stored.mask_offsets),
        image_hashes=result.image_hashes.select(kept_rows),
        histogram=histogram_to_json(histogram - gone.histogram()),
        mask_values={name: counts.tolist() for name, counts in mask_values.items()},
    )


def _payload(work: WorkFolder, shard: BinaryIO, place: PayloadPlace) -> bytes:
    """The payload of an image, or of one of its masks.

    Raises:
        ConversionError: If it was changed after it was written.
    """
    shard.seek(place.offset)
    payload = shard.read(place.length)
    if google_crc32c.value(payload) != place.crc32c:
        msg = f"{shard.name} was changed after it was written. Remove {work.root} and run the same command again."
        raise ConversionError(msg)
    return payload


def _record(
    payload: bytes,
    labels: Mapping[str, Any],
    rows: RowColumns,
    row: int,
    options: StorageOptions,
) -> Record:
    return Record(
        key=rows.key[row],
        labels=labels,
        payload=payload,
        format="raw" if options.encoding == "raw" else payload_format(payload),
        height=rows.height[row],
        width=rows.width[row],
        channels=options.channels,
    )


def _stored_pixels(payload: bytes, rows: RowColumns, row: int, options: StorageOptions) -> Pixels:
    """The pixels that the statistics counted when this payload was written."""
    if options.encoding == "raw":
        shape = (rows.height[row], rows.width[row], options.channels)
        return np.frombuffer(payload, STORED_TYPES[options.depth]).reshape(shape)
    size = rows.height[row], rows.width[row]
    return decode_payload(payload, size=size, channels=options.channels, depth=options.depth)


def _stored_mask(payload: bytes, rows: RowColumns, row: int, options: StorageOptions) -> Pixels:
    """The pixels of a mask, uint8 (height, width, 1)."""
    if options.encoding == "raw":
        return np.frombuffer(payload, np.uint8).reshape(rows.height[row], rows.width[row], 1)
    return decode_payload(payload, size=(rows.height[row], rows.width[row]), channels=1)
