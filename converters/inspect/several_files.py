"""What several files of another program have in common: their features, and code that reads all of them."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from fitfeed.converters.inspect.reader import tfrecord_reader
from fitfeed.converters.inspect.reader.record_facts import RecordFacts
from fitfeed.converters.inspect.report import Content, ForeignFeature, ForeignReport

MAX_LISTED = 50
"""Files that are named in code."""


def common_reader(paths: Sequence[Path], reports: Sequence[ForeignReport]) -> str | None:
    """Python that reads all of the files as one; None if they do not hold the same.

    Args:
        paths: The files, two at least.
        reports: What is in each.
    """
    filled = [report for report in reports if report.records != 0]
    first = reports[0]
    if len(paths) > MAX_LISTED or first.format != "tfrecord" or len(filled) < 1:
        return None
    kinds = {(report.format, report.compression) for report in reports} | {
        (report.format, report.content) for report in filled
    }
    features = common_features(filled)
    if len(kinds) > 2 or features is None:
        return None
    facts = RecordFacts(
        first.compression,
        filled[0].content,
        sum(report.records or 0 for report in reports),
        sum(report.empty_records for report in reports),
    )
    return tfrecord_reader(paths, features, facts)


def common_features(reports: Sequence[ForeignReport]) -> tuple[ForeignFeature, ...] | None:
    """The features that all files have, with what is the same in all; None if the files differ."""
    merged = list(reports[0].features)
    for report in reports[1:]:
        if len(report.features) != len(merged):
            return None
        for number, feature in enumerate(report.features):
            both = _both(merged[number], feature)
            if both is None:
                return None
            merged[number] = both
    return tuple(merged)


def _both(a: ForeignFeature, b: ForeignFeature) -> ForeignFeature | None:
    if (a.name, a.role, a.dtype, a.literal) != (b.name, b.role, b.dtype, b.literal):
        return None
    shape = a.shape if a.shape == b.shape else (None,)
    return dataclasses.replace(
        a,
        shape=shape,
        content=_content(a.content, b.content),
        present=None if a.present is None or b.present is None else a.present + b.present,
    )


def _content(a: Content | None, b: Content | None) -> Content | None:
    if a is None or b is None or a == b:
        return a if a == b else None
    shapes = a.shape, b.shape
    if None in shapes or len(a.shape or ()) != len(b.shape or ()):
        return None
    shape = tuple(
        one if one == other else None for one, other in zip(a.shape or (), b.shape or (), strict=True)
    )
    merged = dataclasses.replace(a, shape=shape)
    return merged if merged == dataclasses.replace(b, shape=shape) else None
