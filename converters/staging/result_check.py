"""Says whether a result that is found is of the plan that this run has made, and whether its shard is still there."""

from collections.abc import Iterable, Iterator, Mapping, Sized
from pathlib import Path

from fitfeed.converters.rejects import text_path
from fitfeed.converters.staging.folder import is_plain_file
from fitfeed.converters.staging.job import ShardPlan
from fitfeed.converters.staging.results import (
    NAMES,
    NUMBERS,
    ShardResult,
    digest_columns,
    label_columns,
)
from fitfeed.schemas.features import LabelKind
from fitfeed.schemas.files import file_sha256
from fitfeed.schemas.index import DIGEST_BYTES
from fitfeed.schemas.manifest_parts import Shard


def follows_plan(result: ShardResult, plan: ShardPlan, kinds: Mapping[str, LabelKind]) -> bool:
    """Whether a result is one that this plan may have: its file, and each image, written or rejected, in its order.

    Args:
        result: The result.
        plan: The plan.
        kinds: Label name to kind.
    """
    rows, texts = result.rows, [text_path(path) for path in plan.paths]
    rejected = {reject.path for reject in result.rejects}
    stored = [entry for entry, path in enumerate(texts) if path not in rejected]
    plain = [name for name, kind in kinds.items() if kind != "mask"]
    return (
        result.shard.file == plan.file
        and len(rejected) == len(result.rejects)
        and [reject.path for reject in result.rejects] == [path for path in texts if path in rejected]
        and result.shard.examples == len(stored)
        and rows.key == [plan.keys[entry] for entry in stored]
        and rows.path == [texts[entry] for entry in stored]
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


def is_whole(path: Path, shard: Shard, *, changed_ns: int) -> bool:
    """Whether a file is the one that was written as this shard.

    Args:
        path: The file.
        shard: What was written.
        changed_ns: When the file was last changed then, in nanoseconds. If that is so still, its bytes are not read:
            accepting rejects, for example, takes seconds even if the shards are a terabyte.
    """
    if not is_plain_file(path):
        return False
    status = path.lstat()
    if status.st_size != shard.bytes:
        return False
    return status.st_ctime_ns == changed_ns or file_sha256(path) == shard.sha256
