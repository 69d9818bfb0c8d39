"""Finds images that are one after another in one long data set, with their offsets in another."""

import dataclasses
from collections.abc import Iterator, Sequence

from fitfeed.converters.inspect.report import ForeignFeature


def with_offsets(features: Sequence[ForeignFeature]) -> Iterator[ForeignFeature]:
    """The data sets of a file. Those that hold many images know where these begin.

    Args:
        features: All objects of the file.
    """
    for feature in features:
        content, kinds = feature.content, ", ".join(feature.images).upper()
        is_long = feature.role == "dataset" and len(feature.shape) == 1 and feature.dtype in ("uint8", "int8")
        offsets = _offsets(feature, features) if is_long and content is not None else None
        if offsets is None or content is None:
            yield feature
            continue
        count = (offsets.shape[0] or 0) - 1
        note = f"{count:,} {kinds} one after another; {offsets.name} has where each begins"
        joined = dataclasses.replace(content, shape=None, channels=None, sides=(offsets.name,))
        yield dataclasses.replace(feature, images={}, content=joined, note=note)


def _offsets(feature: ForeignFeature, features: Sequence[ForeignFeature]) -> ForeignFeature | None:
    folder, _, name = feature.name.rpartition("/")
    for other in features:
        other_folder, _, other_name = other.name.rpartition("/")
        if (
            other_folder == folder
            and (other_name.startswith(name.rstrip("s")) or "offset" in other_name)
            and other is not feature
            and len(other.shape) == 1
            and other.values is not None
            and other.values_read is None
            and (other.values.min, other.values.max) == (0, feature.shape[0])
        ):
            return other
    return None
