"""From an HDF5 file to the report on it."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

from fitfeed.converters.inspect.byte_budget import ByteBudget
from fitfeed.converters.inspect.hdf5.families import Families
from fitfeed.converters.inspect.hdf5.joined_images import with_offsets
from fitfeed.converters.inspect.hdf5.objects import ObjectWalk
from fitfeed.converters.inspect.hdf5.opening import open_hdf5
from fitfeed.converters.inspect.limits import SAMPLE, Limits
from fitfeed.converters.inspect.reader import hdf5_reader
from fitfeed.converters.inspect.report import ForeignFeature, ForeignReport

MATLAB = b"MATLAB 7.3 MAT-file"
MATLAB_CELLS = "/#refs#"
"""The group in which MATLAB keeps what cells refer to."""

MAX_LEFT_OUT = 3
"""Groups of which it is said that not all of their members were looked at."""

Progress = Callable[[int], None]
"""Receives how much was read."""


def inspect_hdf5(path: Path, limits: Limits = SAMPLE, progress: Progress | None = None) -> ForeignReport:
    """Lists the objects of an HDF5 file with their attributes, and reads values that may be labels or images.

    What was never written, and what is larger than the limits allow, is named and not read.

    Args:
        path: An HDF5 file.
        limits: How much is read.
        progress: Receives how far it is.

    Raises:
        DamagedDatasetError: If the file, or an object in it, cannot be read.
        UsageError: If it is whole, and cannot be read now or alone.
    """
    budget = ByteBudget(limits)
    opened = open_hdf5(path)
    is_matlab = _is_matlab(path)
    families = Families()
    with opened.file as file, path.open("rb") as stream:
        walk = ObjectWalk(path, file, stream, budget, limits)
        for feature in walk.features():
            if not (is_matlab and (feature.name + "/").startswith(MATLAB_CELLS + "/")):
                families.add(feature)
            if progress is not None:
                progress(limits.total - budget.left)
    features = tuple(_with_aliases(feature, walk.aliases) for feature in with_offsets(families.features()))
    content = "matlab" if is_matlab else "hdf5"
    return ForeignReport(
        format="hdf5",
        compression="none",
        content=content,
        bytes=path.stat().st_size,
        is_sample=bool(walk.left_out) or any(feature.values_read is not None for feature in features),
        left_out=_left_out(walk.left_out),
        note=opened.note,
        features=features,
        parser=hdf5_reader(path, features, content=content),
    )


def _is_matlab(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(MATLAB)) == MATLAB


def _with_aliases(feature: ForeignFeature, aliases: dict[str, list[str]]) -> ForeignFeature:
    also = aliases.get(feature.name)
    return feature if also is None else dataclasses.replace(feature, also=tuple(also[:5]))


def _left_out(lines: list[str]) -> str | None:
    more = [f"and {len(lines) - MAX_LEFT_OUT:,} more such groups"] if len(lines) > MAX_LEFT_OUT else []
    return "; ".join([*lines[:MAX_LEFT_OUT], *more]) or None
