"""Reads files of any origin in a process of their own: HDF5 1.14 corrupts its memory over a single wrong byte."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

from fitfeed.converters.inspect.decompress import Compression
from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.processes.guarded_calls import GuardedCallError, GuardedCalls, timeout_for

if TYPE_CHECKING:
    from fitfeed.converters.inspect.report import ForeignReport
    from fitfeed.schemas.strict_json import Json


def read_report(path: Path, compression: Compression | None, guarded: GuardedCalls) -> "ForeignReport":
    """Says what is in a file, as `inspect_hdf5` and `inspect_tfrecord` do.

    Args:
        path: The file.
        compression: Of a TFRecord file; None for an HDF5 file.
        guarded: The process to read it in.

    Raises:
        DamagedDatasetError: If it is damaged, or reading it ended the process, took too long, or too much memory.
    """
    limit_s = timeout_for(path.stat().st_size)
    guarded.begin(inspect_in_child, str(path), compression)
    from pydantic import TypeAdapter  # while the process works: both import much

    from fitfeed.converters.inspect.report import ForeignReport

    try:
        return TypeAdapter(ForeignReport).validate_python(guarded.result(limit_s))
    except GuardedCallError as error:
        kind = "HDF5" if compression is None else "TFRecord"
        msg = f"{path} cannot be read as {kind}: the process that read it was given up, because {error}. The file is damaged, or made to do harm. Restore it from its source."
        raise DamagedDatasetError(msg) from error


def inspect_in_child(path: str, compression: Compression | None) -> "Json":
    """Inspects a file, in the process for it.

    Args:
        path: The file.
        compression: Of a TFRecord file; None for an HDF5 file.
    """
    if compression is None:
        from fitfeed.converters.inspect.hdf5 import inspect_hdf5

        report = inspect_hdf5(Path(path))
    else:
        from fitfeed.converters.inspect.tfrecord import inspect_tfrecord

        report = inspect_tfrecord(Path(path), compression)
    content: Json = json.loads(json.dumps(dataclasses.asdict(report)))
    return content
