"""Puts the files by which TensorFlow Datasets loads a dataset beside its manifest, and takes them away.

Somebody else's file may have one of these names: he who converts into a folder of his keeps what he has there.
"""

from collections.abc import Mapping
from contextlib import suppress

from fitfeed.schemas.errors import FitfeedError
from fitfeed.schemas.manifest import (
    MANIFEST_NAME,
    MAX_MANIFEST_BYTES,
    Manifest,
    parse_manifest,
    read_manifest,
)
from fitfeed.schemas.storage.failures import require_size
from fitfeed.schemas.storage.many import for_each
from fitfeed.schemas.storage.place import Place
from fitfeed.schemas.tfds_beside import read_if_ours
from fitfeed.schemas.tfds_info import TFDS_NAMES, tfds_files


def put_tfds_files(dataset: Place, manifest: Manifest, *, are_new: bool = False) -> None:
    """Writes the files that follow from a manifest, if they are not there already.

    If TFDS cannot load the dataset, or somebody else's file has one of the names, there are none of ours: one without the
    other would be read with what is not ours.

    Args:
        dataset: The dataset.
        manifest: The one that is there. The files come after it, so that only who has published writes them. If another
            launch publishes meanwhile, whoever writes last sees its manifest, and writes what follows from that.
        are_new: Whether there was no file with any of the names a moment ago.

    Raises:
        OSError: If one cannot be written or removed, or the manifest cannot be read again.
        DamagedDatasetError, FormatVersionError: If another launch has published what cannot be understood.
    """
    are_put = are_new and _create(dataset, tfds_files(manifest))
    while are_put or _replace(dataset, tfds_files(manifest)):
        are_put = False
        try:
            text, _ = dataset.read(MANIFEST_NAME, at_most=MAX_MANIFEST_BYTES + 1)
        except FileNotFoundError:
            return  # the other launch has no manifest yet, and will write its files after it
        if text == manifest.to_json().encode():
            return
        manifest = parse_manifest(dataset, text)


def _create(dataset: Place, files: Mapping[str, bytes]) -> bool:
    """Writes these files where there are none; returns whether that was all that had to be done."""
    try:
        for_each(
            dataset,
            lambda name: require_size(dataset, dataset.write_if(name, files[name], identity=None)),
            files,
        )
    except FileExistsError:
        return False
    return bool(files)


def _replace(dataset: Place, files: Mapping[str, bytes]) -> bool:
    """Makes these, or none of them, the files that are there; returns whether anything had to be done."""

    def read(name: str) -> bytes | None:
        return read_if_ours(dataset, name, at_most=len(files.get(name, b"")) + 1)

    found = dict(zip(TFDS_NAMES, for_each(dataset, read, TFDS_NAMES), strict=True))
    if not files or None in found.values():
        ours = [name for name, content in found.items() if content]
        for_each(dataset, dataset.delete, ours)
        return bool(ours)
    stale = [name for name, content in files.items() if found[name] != content]
    for_each(dataset, lambda name: require_size(dataset, dataset.write(name, files[name])), stale)
    return bool(stale)


def complete_tfds_files(dataset: Place) -> None:
    """Writes what a launch has not written that died right after its manifest. Nothing else may be writing there.

    Nothing happens where there is no manifest, or one may not write: the dataset is as it must be.
    """
    with suppress(FitfeedError, OSError):
        put_tfds_files(dataset, read_manifest(dataset))


def remove_tfds_files(dataset: Place) -> None:
    """Removes the files, because the dataset that they describe is about to be replaced.

    Raises:
        OSError: If one cannot be removed.
    """
    for name in TFDS_NAMES:
        if read_if_ours(dataset, name):
            dataset.delete(name)
