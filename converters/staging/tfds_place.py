"""Puts the files by which TensorFlow Datasets loads a dataset beside its manifest, and takes them away.

Somebody else's file may have one of these names: he who converts into a folder of his keeps what he has there.
"""

from fitfeed.schemas.files import RefusedFileError
from fitfeed.schemas.manifest import Manifest
from fitfeed.schemas.storage.place import Place
from fitfeed.schemas.tfds_info import MARKED_BYTES, TFDS_NAMES, is_tfds_file, tfds_files


def put_tfds_files(dataset: Place, manifest: Manifest) -> None:
    """Writes the files that follow from a manifest which is about to be published.

    If TFDS cannot load the dataset, there are none, and those of an earlier manifest are removed.

    Raises:
        OSError: If one cannot be written or removed.
    """
    files = tfds_files(manifest)
    if not files:
        remove_tfds_files(dataset)
    if any(_is_foreign(dataset, name) for name in TFDS_NAMES):
        return  # one without the other would be read with what is not ours
    for name, content in files.items():
        dataset.write(name, content)


def remove_tfds_files(dataset: Place) -> None:
    """Removes the files, because the dataset that they describe is about to be replaced.

    Raises:
        OSError: If one cannot be removed.
    """
    for name in TFDS_NAMES:
        if not _is_foreign(dataset, name):
            dataset.delete(name)


def _is_foreign(dataset: Place, name: str) -> bool:
    """Whether there is something of this name that fitfeed has not written."""
    try:
        content, _ = dataset.read(name, at_most=MARKED_BYTES)
    except FileNotFoundError:
        return False
    except (RefusedFileError, IsADirectoryError, PermissionError):
        return True
    return not is_tfds_file(content)
