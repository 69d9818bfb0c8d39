"""`fitfeed inspect` of several files: a line for each, and Python that reads all of them."""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fitfeed.converters.inspect.detect import guarded_calls, inspect_with
from fitfeed.converters.inspect.far_file import MAX_COPY_BYTES, FileInStore
from fitfeed.converters.inspect.file_list import Inspected, size_of
from fitfeed.converters.inspect.own_shards import OwnShard, own_shard
from fitfeed.converters.inspect.report import ForeignReport
from fitfeed.converters.inspect.several_files import common_reader
from fitfeed.output.byte_size import human_bytes
from fitfeed.output.foreign_text import kind_of
from fitfeed.output.progress import file_progress
from fitfeed.output.table import aligned
from fitfeed.schemas.errors import FitfeedError
from fitfeed.schemas.manifest import Manifest, read_manifest
from fitfeed.schemas.processes.guarded_calls import GuardedCalls
from fitfeed.schemas.storage.place import Place
from fitfeed.schemas.text import printable

if TYPE_CHECKING:
    from fitfeed.schemas.strict_json import Json, JsonObject

MAX_FILES = 64
"""Files that are looked at without `--full`."""


@dataclasses.dataclass(frozen=True)
class FileOutcome:
    """What is known of one of several files.

    Attributes:
        path: The file or dataset.
        found: What is in it, or why that is not known.
        own: Which dataset of ours it belongs to.
    """

    path: Inspected
    found: ForeignReport | Manifest | FitfeedError
    own: OwnShard | None = None


def inspect_several(
    paths: Sequence[Inspected], *, full: bool, quiet: bool = False
) -> tuple["JsonObject", list[str], int]:
    """Looks at several files. One that cannot be read does not hide the others.

    Args:
        paths: Files and datasets.
        full: Whether whole files are read, and all of them.
        quiet: Whether no progress is shown.

    Returns:
        The JSON document, the lines, and the exit status: that of the worst file.
    """
    looked_at = paths if full else _first_of(paths)
    outcomes: list[FileOutcome] = []
    with (
        guarded_calls(full=full) as guarded,
        file_progress(sys.stderr, "inspecting", len(looked_at), quiet=quiet) as looked_at_one,
    ):
        for path in looked_at:
            outcomes.append(_look_at(path, guarded, full=full, files=len(looked_at)))
            looked_at_one()
    status = max(
        (outcome.found.exit_status for outcome in outcomes if isinstance(outcome.found, FitfeedError)),
        default=0,
    )
    reader = _reader(outcomes) if len(outcomes) == len(paths) else None
    left_out = len(paths) - len(outcomes)
    parser: JsonObject = {} if reader is None else {"parser": reader}
    files: list[Json] = [_json(outcome) for outcome in outcomes]
    document: JsonObject = {"files": files, "files_left_out": left_out, **parser}
    return document, _lines(outcomes, left_out, reader), status


def _look_at(path: Inspected, guarded: GuardedCalls, *, full: bool, files: int) -> FileOutcome:
    """Looks at one of so many files. Progress within it is not shown."""
    try:
        if isinstance(path, Place) or (isinstance(path, Path) and path.is_dir()):
            return FileOutcome(path, read_manifest(path))
        report = inspect_with(guarded, path, full=full, files=files)
        return FileOutcome(path, report, own_shard(path, report))
    except FitfeedError as error:
        return FileOutcome(path, error)


def _first_of(paths: Sequence[Inspected]) -> list[Inspected]:
    """Those that are looked at without `--full`. Of files in a store, so many that their copies take no more than one may."""
    left = MAX_COPY_BYTES
    first: list[Inspected] = []
    for path in paths[:MAX_FILES]:
        left -= path.bytes if isinstance(path, FileInStore) else 0
        if left < 0 and first:
            break
        first.append(path)
    return first


def _reader(outcomes: list[FileOutcome]) -> str | None:
    reports = [outcome.found for outcome in outcomes if isinstance(outcome.found, ForeignReport)]
    if len(reports) < len(outcomes):
        return None
    paths = [_read_from(outcome.path) for outcome in outcomes]
    return common_reader(paths, reports) if len(set(paths)) == len(paths) else None


def _read_from(path: Inspected) -> Path:
    """Where code reads a file from: one in a store, from a copy of the same name."""
    return Path(path.name if isinstance(path, FileInStore) else str(path))


def _json(outcome: FileOutcome) -> "JsonObject":
    found = outcome.found
    if isinstance(found, FitfeedError):
        return {"path": str(outcome.path), "error": str(found), "exit_status": found.exit_status}
    if isinstance(found, Manifest):
        from fitfeed.output.dataset_json import describe

        return {"path": str(outcome.path), **describe(found)}
    own: JsonObject = {} if outcome.own is None else {"dataset": outcome.own._asdict()}
    return {"path": str(outcome.path), **found.to_dict(), **own}


def _lines(outcomes: list[FileOutcome], left_out: int, reader: str | None) -> list[str]:
    rows = [("file", "kind", "size", "records", "features"), *map(_row, outcomes)]
    lines = aligned(rows)
    if left_out:
        lines.append(f"and {left_out:,} more files, which were not looked at; --full looks at all")
    notes = dict.fromkeys(outcome.own.note for outcome in outcomes if outcome.own is not None)
    if notes:
        lines += ["", next(iter(notes)), *([f"and {len(notes) - 1:,} more shards"] if len(notes) > 1 else [])]
    errors = [str(outcome.found) for outcome in outcomes if isinstance(outcome.found, FitfeedError)]
    if errors:
        lines += [
            "",
            *errors[:10],
            *([f"and {len(errors) - 10:,} more such files"] if len(errors) > 10 else []),
        ]
    if reader is not None:
        return [*lines, "", "# read all of them with:", *reader.rstrip().split("\n")]
    return [*lines, "", f"More about one of them: fitfeed inspect {outcomes[0].path}"]


def _row(outcome: FileOutcome) -> tuple[str, str, str, str, str]:
    found, name = outcome.found, printable(str(outcome.path))
    if isinstance(found, FitfeedError):
        size = size_of(outcome.path)
        what = "damaged" if found.exit_status == 5 else "cannot be read"
        return name, what, "" if size is None else human_bytes(size), "", ""
    if isinstance(found, Manifest):
        examples = sum(split.examples for split in found.splits.values())
        return (
            name,
            f"dataset, {found.format}",
            human_bytes(sum(split.bytes for split in found.splits.values())),
            f"{examples:,}",
            "",
        )
    least = "at least " if found.records_is_at_least else ""
    records = "" if found.records is None else f"{least}{found.records:,}"
    names = [printable(feature.name) for feature in found.features if feature.role != "group"]
    more = f", ... {len(names):,}" if len(names) > 8 else ""
    return name, kind_of(found), human_bytes(found.bytes), records, ", ".join(names[:8]) + more
