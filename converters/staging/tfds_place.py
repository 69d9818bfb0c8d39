"""Puts the files by which TensorFlow Datasets loads a dataset beside its manifest, and takes them away.

Somebody else's file may have one of these names: he who converts into a folder of his keeps what he has there.
"""

from contextlib import suppress

from fitfeed.schemas.errors import FitfeedError
from fitfeed.schemas.manifest import Manifest, read_manifest
from fitfeed.schemas.storage.place import Place
from fitfeed.schemas.tfds_beside import read_if_ours
from fitfeed.schemas.tfds_info import TFDS_NAMES, tfds_files


def put_tfds_files(dataset: Place, manifest: Manifest) -> None:
    """Writes the files that follow from a manifest, if they are not there already.

    If TFDS cannot load the dataset, or somebody else's file has one of the names, there are none of ours: one without the
    other would be read with what is not ours.

    Args:
        dataset: The dataset.
        manifest: The one that is there. The files come after it, so that only who has published writes them.

    Raises:
        OSError: If one cannot be written or removed.
    """
    files = tfds_files(manifest)
    found = {name: read_if_ours(dataset, name, at_most=len(files.get(name, b"")) + 1) for name in TFDS_NAMES}
    if not files or None in found.values():
        for name, content in found.items():
            if content:
                dataset.delete(name)
        return
    for name, content in files.items():
        if found[name] != content:
            dataset.write(name, content)


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
