"""The two files by which TensorFlow Datasets loads a dataset: `features.json` and `dataset_info.json`.

Both follow from the manifest. They are not a part of the dataset, as the tables of `side_tables` are not: the manifest does
not name them, and they may be deleted at any time. `dataset_info.json` is a `tensorflow_datasets.DatasetInfo` message as
JSON. It has the features, too, so that what is read is always of one moment.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from fitfeed.schemas.manifest import FORMAT_VERSION, Manifest
from fitfeed.schemas.manifest_parts import Shard, Split
from fitfeed.schemas.statistics import ChannelStatistics
from fitfeed.schemas.strict_json import JsonObject
from fitfeed.schemas.tfds_features import MARK, tfds_features

FEATURES_NAME = "features.json"
INFO_NAME = "dataset_info.json"

TFDS_NAMES = (FEATURES_NAME, INFO_NAME)

MARKED_BYTES = 4096
"""The mark of a file that fitfeed has written is among so many first bytes."""

DATASET_NAME = "fitfeed"
"""What TFDS calls all our datasets: a manifest has no name, and a folder's name changes with its place."""

MAX_SHARD_NUMBERS = 1 << 20
"""In all patterns of a split together: each lists the numbers of the others' shards, too."""

_ALL = "all"
"""TFDS calls all splits together so, and does not load a dataset that has a split of this name."""


def tfds_files(manifest: Manifest) -> Mapping[str, bytes]:
    """The files, by name; none if TFDS cannot load the dataset: see docs/format.md.

    Args:
        manifest: Of any dataset.
    """
    if manifest.format != "tfrecord" or _ALL in manifest.splits:
        return {}
    parts: list[_TfdsSplit] = []
    for name, split in manifest.splits.items():
        of_split = _parts(name, split.shards, manifest.shard_extension)
        if of_split is None:
            return {}
        parts += of_split
    features = tfds_features(manifest.features)
    return {FEATURES_NAME: _text(features), INFO_NAME: _text(_info(manifest, parts, features))}


def is_tfds_file(content: bytes) -> bool:
    """Whether a file of these names is one that fitfeed has written.

    Args:
        content: The file, or its first `MARKED_BYTES`.
    """
    return MARK.encode() in content[:MARKED_BYTES]


class _TfdsSplit(NamedTuple):
    """Shards of a split whose names have one pattern. A dataset that grew has several of them.

    Attributes:
        split: The split.
        name: What TFDS calls it.
        lengths: Examples of each shard, in the order of their numbers; 0 where the shard is in another part.
        bytes: Of the shards.
    """

    split: str
    name: str
    lengths: list[int]
    bytes: int


def _parts(split: str, shards: list[Shard], extension: str) -> list[_TfdsSplit] | None:
    """Divides the shards of a split by the "of" in their names; None if they are not called so, or there are too many.

    TFDS gives more digits to the numbers of 100,000 shards, and we do not.
    """
    pattern = re.compile(rf"{split}-([0-9]{{5}})-of-([0-9]{{5}})\.{extension}", re.ASCII)
    by_total: dict[int, dict[int, Shard]] = {}
    for shard in shards:
        found = pattern.fullmatch(shard.file)
        if found is None:
            return None
        number, total = int(found[1]), int(found[2])
        if number >= total:
            return None
        by_total.setdefault(total, {})[number] = shard
    if sum(by_total) > MAX_SHARD_NUMBERS:
        return None
    single = len(by_total) == 1
    return [
        _TfdsSplit(
            split=split,
            name=split if single else f"{split}-of-{total:05d}",  # no split of ours has a hyphen
            lengths=[numbered[number].examples if number in numbered else 0 for number in range(total)],
            bytes=sum(shard.bytes for shard in numbered.values()),
        )
        for total, numbered in by_total.items()
    ]


def _info(manifest: Manifest, parts: list[_TfdsSplit], features: JsonObject) -> JsonObject:
    info: dict[str, JsonObject | list[JsonObject] | str] = {
        "name": DATASET_NAME,
        "version": f"{FORMAT_VERSION}.0.0",
        "description": _description(parts),
        "fileFormat": manifest.format,
        "features": features,
        "splits": [_split(manifest, part) for part in parts],
    }
    label = next(iter(manifest.features.labels), None)
    if label is not None:
        keys: list[JsonObject] = [{"featureKey": "image"}, {"featureKey": label}]
        info["supervisedKeys"] = {"tuple": {"items": keys}}
    return info


def _description(parts: list[_TfdsSplit]) -> str:
    grown = [part for part in parts if part.name != part.split]
    if not grown:
        return f"{MARK}."
    splits = {part.split: "+".join(each.name for each in grown if each.split == part.split) for part in grown}
    ways = "; ".join(f"{split} is split={ways!r}" for split, ways in splits.items())
    return f"{MARK}. Images were appended, so {ways}."


def _split(manifest: Manifest, part: _TfdsSplit) -> JsonObject:
    info: JsonObject = {
        "name": part.name,
        "numBytes": str(part.bytes),
        "shardLengths": [str(length) for length in part.lengths],
        "filepathTemplate": f"{part.split}-{{SHARD_X_OF_Y}}.{{FILEFORMAT}}",
    }
    if part.name != part.split:
        return info
    return {**info, "statistics": _statistics(manifest, manifest.splits[part.split])}


def _statistics(manifest: Manifest, split: Split) -> JsonObject:
    """A `tensorflow.metadata.v0.DatasetFeatureStatistics` of a whole split: the manifest has none of its parts."""
    features: list[JsonObject] = []
    if split.examples:
        features.append({"name": "image", "type": "BYTES", "customStats": list(_of_pixels(split))})
    classes = manifest.features.classes
    if classes is not None:
        label, feature = classes
        buckets: list[JsonObject] = [
            {"label": name, "sampleCount": count}
            for name, count in zip(feature.class_names, split.class_counts, strict=True)
        ]
        occurring = sum(count > 0 for count in split.class_counts)
        strings: JsonObject = {"unique": str(occurring), "rankHistogram": {"buckets": buckets}}
        features.append({"name": label, "type": "INT", "stringStats": strings})
    return {"numExamples": str(split.examples), "features": features}


def _of_pixels(split: Split) -> Iterator[JsonObject]:
    exact = ChannelStatistics(split.counts)
    for name in ("mean", "std", "min", "max"):
        for channel, value in enumerate(getattr(exact, name)):
            yield {"name": f"{name} of channel {channel}", "num": value}


def _text(content: JsonObject) -> bytes:
    """ASCII, because some programs read JSON as the locale says."""
    return (json.dumps(content, indent=1) + "\n").encode("ascii")
