"""Reads files of any origin in a process of their own: HDF5 1.14 corrupts its memory over a single wrong byte."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from fitfeed.converters.inspect.decompress import Compression
from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.processes.guarded_calls import GuardedCallError, GuardedCalls, tell_progress, timeout_for

if TYPE_CHECKING:
    from fitfeed.converters.inspect.report import ForeignReport
    from fitfeed.schemas.strict_json import Json


def read_report(
    path: Path,
    compression: Compression | None,
    guarded: GuardedCalls,
    *,
    full: bool = False,
    files: int = 1,
    progress: Callable[[int], None] | None = None,
) -> "ForeignReport":
    """Says what is in a file, as `inspect_hdf5` and `inspect_tfrecord` do.

    Args:
        path: The file.
        compression: Of a TFRecord file; None for an HDF5 file.
        guarded: The process to read it in.
        full: Whether all of it is read.
        files: How many files share the limits.
        progress: Receives how many bytes were read, if all is read.

    Raises:
        DamagedDatasetError: If it is damaged, or reading it ended the process, took too long, or too much memory.
    """
    limit_s = timeout_for(path.stat().st_size)
    guarded.begin(inspect_in_child, str(path), compression, full, files)
    from pydantic import TypeAdapter  # while the process works: both import much

    from fitfeed.converters.inspect.report import ForeignReport

    try:
        answer = guarded.result(limit_s, progress or (_ignore if full else None))
        return TypeAdapter(ForeignReport).validate_python(answer)
    except GuardedCallError as error:
        kind = "HDF5" if compression is None else "TFRecord"
        more = "" if full else " If it is sound, --full reads it with more memory."
        msg = f"{path} {error.on_reading(kind)}. The file is damaged, or made to do harm. Restore it from its source.{more}"
        raise DamagedDatasetError(msg) from error


def _ignore(done: int) -> None:
    """Progress that nobody wants. It is told all the same: whoever tells it is alive."""


def inspect_in_child(path: str, compression: Compression | None, full: bool, files: int) -> "Json":
    """Inspects a file, in the process for it.

    Args:
        path: The file.
        compression: Of a TFRecord file; None for an HDF5 file.
        full: Whether all of it is read.
        files: How many files share the limits.
    """
    from fitfeed.converters.inspect.limits import FULL, SAMPLE

    limits, progress = (FULL, tell_progress) if full else (SAMPLE.shared_by(files), None)
    if compression is None:
        from fitfeed.converters.inspect.hdf5 import inspect_hdf5

        report = inspect_hdf5(Path(path), limits, progress)
    else:
        from fitfeed.converters.inspect.tfrecord import inspect_tfrecord

        report = inspect_tfrecord(Path(path), compression, limits, progress)
    content: Json = json.loads(json.dumps(dataclasses.asdict(report)))
    return content
