"""Recognizes a shard that fitfeed wrote, and the dataset that it belongs to."""

import re
from pathlib import Path
from typing import NamedTuple

from fitfeed.converters.inspect.far_file import FileInStore
from fitfeed.converters.inspect.report import ForeignReport
from fitfeed.schemas.errors import FitfeedError
from fitfeed.schemas.manifest import MANIFEST_NAME, read_manifest
from fitfeed.schemas.storage.place import Place

SHARD_NAME = re.compile(r".+-\d{5}-of-\d{5}\.(tfrecord|h5)")

FEATURES = {"image", "key", "format", "height", "width", "channels"}
"""What every shard has, whatever its labels are."""


class OwnShard(NamedTuple):
    """Where a shard belongs.

    Attributes:
        folder: The dataset; None if its manifest is not beside the shard.
        split: Name of its split.
        number: Of the shard in its split, from 0.
        shards: How many shards the split has.
        note: The same as a sentence for a person.
    """

    folder: str | None
    split: str | None
    number: int | None
    shards: int | None
    note: str


def own_shard(path: Path | FileInStore, report: ForeignReport) -> OwnShard | None:
    """Which dataset a file is a shard of; None if it is not one of ours.

    Args:
        path: The file.
        report: What is in it.
    """
    if not {feature.name.removeprefix("/") for feature in report.features} >= FEATURES:
        return None
    listed = _listed(path.name, path.folder if isinstance(path, FileInStore) else path.parent)
    if listed is not None:
        return listed
    if SHARD_NAME.fullmatch(path.name) is None:
        return None
    note = (
        f"it looks like a shard of a fitfeed dataset, whose {MANIFEST_NAME} is not beside it or does not list it. "
        "Copy the whole folder: class names, splits and statistics are not in the shards"
    )
    return OwnShard(None, None, None, None, note)


def _listed(file: str, folder: Path | Place) -> OwnShard | None:
    """What the manifest in a folder says of a file, if it names it."""
    try:
        manifest = read_manifest(folder)
    except FitfeedError:  # there is none, or verify says what is wrong with it
        return None
    for name, split in manifest.splits.items():
        for number, shard in enumerate(split.shards):
            if shard.file == file:
                count = len(split.shards)
                note = (
                    f"a shard of the fitfeed dataset {folder} ({name}, {number + 1} of {count}). "
                    f"Class names, statistics and how to train on it: fitfeed inspect {folder}"
                )
                return OwnShard(str(folder), name, number, count, note)
    return None
