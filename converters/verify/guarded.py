"""Compares the columns of HDF5 shards in a process of their own: HDF5 1.14 corrupts its memory over a single wrong byte."""

import dataclasses
import functools
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from fitfeed.converters.verify.report import Finding, Findings
from fitfeed.converters.verify.rows import ShardRows, rows_of_split
from fitfeed.schemas.index import open_index
from fitfeed.schemas.manifest import read_manifest
from fitfeed.schemas.processes.guarded_calls import GuardedCallError, GuardedCalls, timeout_for
from fitfeed.schemas.storage.open_place import open_place
from fitfeed.schemas.strict_json import JsonObject


class ShardPlace(NamedTuple):
    """Where a shard is: folder of the dataset, name of the split, number of the shard in it."""

    folder: str
    split: str
    number: int


class ColumnFindings(NamedTuple):
    """What is wrong with the columns of a shard, and how many findings more there are."""

    kept: list[Finding]
    left_out: int


_COLUMN_FINDINGS = TypeAdapter(ColumnFindings)


def read_columns(
    place: ShardPlace,
    path: Path,
    rows: ShardRows,
    formats: list[str],
    found: Findings,
    guarded: GuardedCalls,
) -> None:
    """Compares the columns of a shard with the index, as `examine_columns` does.

    Args:
        place: Where the shard is.
        path: A file of this machine with its bytes.
        rows: Its rows.
        formats: The formats of its images, one for each example.
        found: Receives the findings.
        guarded: The process to read the shard in.
    """
    file = rows.shard.file
    try:
        guarded.begin(columns_in_child, *place, str(path), rows.index_is_whole, formats)
        answer: Any = guarded.result(timeout_for(rows.shard.bytes))
    except GuardedCallError as error:
        detail = f"it {error.on_reading('HDF5')}"
        found.add(Finding(file=file, kind="structure", detail=detail))
        return
    kept, left_out = _COLUMN_FINDINGS.validate_python(answer)
    found.extend(kept)
    found.left_out[file] += left_out


def columns_in_child(
    folder: str, split: str, number: int, path: str, index_is_whole: bool, formats: list[str]
) -> JsonObject:
    """Compares the columns of a shard, in the process for it."""
    from fitfeed.converters.verify.hdf5 import examine_columns

    rows = _rows(folder, split, index_is_whole)[number]
    found = Findings()
    found.extend(examine_columns(Path(path), rows, formats))
    kept = [dataclasses.asdict(finding) for finding in found.kept]
    return {"kept": kept, "left_out": found.left_out[rows.shard.file]}


@functools.lru_cache(maxsize=1)
def _rows(folder: str, split: str, index_is_whole: bool) -> list[ShardRows]:
    """The rows of all shards of a split, which is read once for all of them."""
    place = open_place(folder, "DATASET")
    manifest = read_manifest(place)
    index = open_index(place, manifest.splits[split].index.file, manifest.features.label_kinds)
    return list(rows_of_split(manifest, split, index, index_is_whole=index_is_whole))
