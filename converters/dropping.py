"""Leaving examples out of a shard that is already written, without a look at the source."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import google_crc32c
import numpy as np

from converters.histogram import count_pixels
from converters.likeness import keep_rows
from converters.options import ConvertOptions
from converters.work import Job, WorkFolder
from converters.writers import Record, open_writer
from schemas.codec import Pixels, decode_payload, payload_format
from schemas.cpus import available_cpus
from schemas.errors import ConversionError


def drop_rows(
    work: WorkFolder, job: Job, results: list[dict[str, Any]], dropped: Mapping[int, list[int]]
) -> list[dict[str, Any]]:
    """Leaves rows out of their shards.

    The shards that stay complete are not touched, and those of which something is left out are built
    anew beside them, in `work.kept`; so an interruption costs only this step.

    Args:
        work: The working folder.
        job: The job.
        results: Of every shard, by number.
        dropped: Shard number to the rows to leave out.

    Returns:
        The results as if the dropped files had never been planned.

    Raises:
        ConversionError: If a shard is not what it was when it was written.
        OSError: If it cannot be read or written.
    """
    work.kept.mkdir()
    with ThreadPoolExecutor(available_cpus()) as threads:  # they copy and hash, mostly without the GIL
        changed = threads.map(
            lambda number: _without(work, job, results[number], frozenset(dropped[number])), dropped
        )
        replaced = dict(zip(dropped, changed, strict=True))
    return [replaced.get(number, result) for number, result in enumerate(results)]


def _without(work: WorkFolder, job: Job, result: dict[str, Any], dropped: frozenset[int]) -> dict[str, Any]:
    rows, file = result["rows"], result["shard"]["file"]
    histogram = np.asarray(result["histogram"], np.int64)
    gone = np.zeros_like(histogram)
    count = len(rows["key"])
    source = work.find_shard(file)
    with source.open("rb") as shard, open_writer(work.kept / file, job.options) as writer:
        for row in range(count):
            shard.seek(rows["offset"][row])
            payload = shard.read(rows["length"][row])
            if google_crc32c.value(payload) != rows["crc32c"][row]:
                msg = f"{source} was changed after it was written. Remove {work.root} and run the same command again."
                raise ConversionError(msg)
            if row not in dropped:
                writer.write(_record(payload, rows, row, job.options))
            elif histogram.any():  # of the split that is counted
                count_pixels(_stored_pixels(payload, rows, row, job.options), gone)
        stored = writer.finish()
    kept_rows = [row for row in range(count) if row not in dropped]
    columns = {name: [values[row] for row in kept_rows] for name, values in rows.items()}
    return {
        **result,
        "shard": {
            "file": file,
            "examples": len(kept_rows),
            "bytes": stored.bytes,
            "sha256": stored.sha256,
        },
        "rows": {**columns, "offset": stored.offsets},
        "likenesses": keep_rows(result["likenesses"], kept_rows),
        "histogram": (histogram - gone).tolist(),
    }


def _record(payload: bytes, rows: Mapping[str, list[Any]], row: int, options: ConvertOptions) -> Record:
    return Record(
        key=rows["key"][row],
        label=rows["label"][row],
        payload=payload,
        format="raw" if options.encoding == "raw" else payload_format(payload),
        height=rows["height"][row],
        width=rows["width"][row],
        channels=options.channels,
    )


def _stored_pixels(
    payload: bytes, rows: Mapping[str, list[Any]], row: int, options: ConvertOptions
) -> Pixels:
    """The pixels that the statistics counted when this payload was written."""
    if options.encoding == "raw":
        shape = (rows["height"][row], rows["width"][row], options.channels)
        return np.frombuffer(payload, np.uint8).reshape(shape)
    return decode_payload(payload, channels=options.channels)
