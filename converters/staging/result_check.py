"""Says whether a result that is found is of the plan that this run has made, and whether its shard is still there."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sized
from contextlib import closing

from fitfeed.converters.staging.job import Job, ShardPlan
from fitfeed.converters.staging.results import (
    NAMES,
    NUMBERS,
    ShardResult,
    digest_columns,
    label_columns,
)
from fitfeed.schemas.features import LabelKind
from fitfeed.schemas.index import DIGEST_BYTES
from fitfeed.schemas.manifest_parts import File
from fitfeed.schemas.storage.place import Found, Place

PIECE_BYTES = 4 << 20
"""What is read of a file at once to compare it."""


def follows_plan(result: ShardResult, plan: ShardPlan, job: Job) -> bool:
    """Whether a result is one that this plan may have: its file, and each image, written or rejected, in its order.

    Args:
        result: The result.
        plan: The plan.
        job: The job that it is a part of.
    """
    kinds, rows, keys = job.kinds, result.rows, plan.keys
    rejected = {reject.path for reject in result.rejects}
    stored = [entry for entry, key in enumerate(keys) if key not in rejected]
    plain = [name for name, kind in kinds.items() if kind != "mask"]
    return (
        result.shard.file == plan.file
        and len(rejected) == len(result.rejects)
        and [reject.path for reject in result.rejects] == [key for key in keys if key in rejected]
        and result.shard.examples == len(stored)
        and rows.key == [keys[entry] for entry in stored]
        and rows.path == [plan.path_below(entry, job.roots) for entry in stored]
        and list(rows.source) == [plan.source(entry) for entry in stored]
        and list(rows.source_bytes) == [plan.bytes[entry] for entry in stored]
        and set(rows.labels) == set(_stored_labels(kinds))
        and set(rows.digests) == set(digest_columns(kinds))
        and all(rows.labels[name] == [plan.labels[name][entry] for entry in stored] for name in plain)
        and _has_all_rows(result, len(stored))
    )


def _stored_labels(kinds: Mapping[str, LabelKind]) -> Iterator[str]:
    yield from label_columns(kinds)
    yield from (f"{name}_offset" for name, kind in kinds.items() if kind == "mask")


def _has_all_rows(result: ShardResult, count: int) -> bool:
    rows, hashes = result.rows, result.image_hashes
    columns: Iterable[Sized] = [
        *(getattr(rows, name) for name in (*NAMES, *NUMBERS)),
        *rows.labels.values(),
        hashes.digests,
        hashes.hashes,
    ]
    whole = all(len(column) == count for column in columns)
    return whole and all(len(column) == count * DIGEST_BYTES for column in rows.digests.values())


def file_identity(found: Found) -> str:
    """What is another text if a file was changed: in a folder its change time is in it, in a store its ETag."""
    return f"{found.identity} {found.ctime_ns}"


def is_whole(place: Place, shard: File, *, identity: str) -> bool:
    """Whether a file is the one that was written as this shard.

    Args:
        place: Where the file is.
        shard: What was written.
        identity: `file_identity` of the file when it was written. If that is so still, its bytes are not read: accepting
            rejects, for example, takes seconds even if the shards are a terabyte.
    """
    return whole_identity(place, shard, identity=identity) is not None


def whole_identity(place: Place, shard: File, *, identity: str) -> str | None:
    """The `file_identity` that a file has now, if `is_whole`; else None."""
    found = place.area().find_file(shard.file)
    if found is None or found.bytes != shard.bytes:
        return None
    present = file_identity(found)
    return present if present == identity or _sha256(place, shard.file) == shard.sha256 else None


def _sha256(place: Place, name: str) -> str:
    """SHA-256 of a file, which is read piece by piece: in a store, many are compared at once, and none is kept."""
    digest, offset = hashlib.sha256(), 0
    with closing(place.open(name)) as file:
        while piece := file.read(offset, PIECE_BYTES):
            digest.update(piece)
            offset += len(piece)
    return digest.hexdigest()
