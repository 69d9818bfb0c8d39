"""Compares the columns of HDF5 shards in a process of their own: HDF5 1.14 corrupts its memory over a single wrong byte."""

import dataclasses
import functools
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from fitfeed.converters.verify.report import Finding, Findings
from fitfeed.converters.verify.rows import ShardRows, rows_of_split
from fitfeed.schemas.index import open_index
from fitfeed.schemas.manifest import parse_manifest
from fitfeed.schemas.processes.guarded_calls import GuardedCallError, GuardedCalls, timeout_for
from fitfeed.schemas.storage.open_place import open_place
from fitfeed.schemas.strict_json import JsonObject


class SplitShard(NamedTuple):
    """A shard for the other process, which reads files of this machine only.

    Attributes:
        manifest_file: A file with the text of the manifest that was checked.
        index_file: The split's index.
        split: Name of the split.
        number: Number of the shard in it.
    """

    manifest_file: str
    index_file: str
    split: str
    number: int


class ColumnFindings(NamedTuple):
    """What is wrong with the columns of a shard, and how many findings more there are."""

    kept: list[Finding]
    left_out: int


_COLUMN_FINDINGS = TypeAdapter(ColumnFindings)


def read_columns(
    shard: SplitShard,
    path: Path,
    rows: ShardRows,
    formats: list[str],
    found: Findings,
    guarded: GuardedCalls,
) -> None:
    """Compares the columns of a shard with the index, as `examine_columns` does.

    Args:
        shard: The shard.
        path: A file of this machine with its bytes.
        rows: Its rows.
        formats: The formats of its images, one for each example.
        found: Receives the findings.
        guarded: The process to read the shard in.
    """
    file = rows.shard.file
    try:
        guarded.begin(columns_in_child, *shard, str(path), rows.index_is_whole, formats)
        answer: Any = guarded.result(timeout_for(rows.shard.bytes))
    except GuardedCallError as error:
        detail = f"it {error.on_reading('HDF5')}"
        found.add(Finding(file=file, kind="structure", detail=detail))
        return
    kept, left_out = _COLUMN_FINDINGS.validate_python(answer)
    found.extend(kept)
    found.left_out[file] += left_out


def columns_in_child(
    manifest_file: str,
    index_file: str,
    split: str,
    number: int,
    path: str,
    index_is_whole: bool,
    formats: list[str],
) -> JsonObject:
    """Compares the columns of a shard, in the process for it."""
    from fitfeed.converters.verify.hdf5 import examine_columns

    rows = _rows(manifest_file, index_file, split, index_is_whole)[number]
    found = Findings()
    found.extend(examine_columns(Path(path), rows, formats))
    kept = [dataclasses.asdict(finding) for finding in found.kept]
    return {"kept": kept, "left_out": found.left_out[rows.shard.file]}


@functools.lru_cache(maxsize=1)
def _rows(manifest_file: str, index_file: str, split: str, index_is_whole: bool) -> list[ShardRows]:
    """The rows of all shards of a split, which is read once for all of them."""
    path = Path(index_file)
    manifest = parse_manifest(open_place(path.parent, "DATASET"), Path(manifest_file).read_bytes())
    index = open_index(path.parent, path.name, manifest.features.label_kinds)
    return list(rows_of_split(manifest, split, index, index_is_whole=index_is_whole))
