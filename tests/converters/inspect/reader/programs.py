"""Runs printed programs: over the whole file, in batches, and as their comments say."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from fitfeed.converters.inspect.hdf5 import inspect_hdf5
from fitfeed.converters.inspect.report import ForeignReport
from fitfeed.converters.inspect.tfrecord import inspect_tfrecord


def run(parser: str) -> dict[str, Any]:
    """The names that a program defines."""
    names: dict[str, Any] = {}
    exec(parser, names)
    return names


def records_read(path: Path, compression: Any = "none") -> list[Any]:
    """What the program for a TFRecord file reads: all of its records, as NumPy arrays and lists. Its batches are read, too."""
    report = inspect_tfrecord(path, compression)
    names = run(report.parser)
    found = [as_values(record) for record in names["dataset"]]
    if "batches" in names:
        sizes = [_rows(batch) for batch in names["batches"]]
        assert sum(sizes) == len(found)
    return found


def as_values(element: Any) -> Any:
    """Tensors as arrays, and ragged tensors as lists of arrays."""
    if isinstance(element, Mapping):
        return {name: as_values(value) for name, value in element.items()}
    if isinstance(element, tuple):
        return tuple(map(as_values, element))
    if isinstance(element, tf.RaggedTensor):
        return [
            one.to_tensor().numpy() if isinstance(one, tf.RaggedTensor) else one.numpy() for one in element
        ]
    return element.numpy()


def _rows(batch: Any) -> int:
    first = tf.nest.flatten(batch)[0]
    return int(first.nrows() if isinstance(first, tf.RaggedTensor) else first.shape[0])


def hdf5_names(path: Path) -> tuple[ForeignReport, dict[str, Any]]:
    """The report on an HDF5 file, and what its program defines. Each expression in a comment is evaluated."""
    report = inspect_hdf5(path)
    names = run(report.parser)
    for expression in re.findall(r"(\w+[(\[]\S*[)\]]) (?:reads|decodes)", report.parser):
        exec(expression, names)
    return report, names
