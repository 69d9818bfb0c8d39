"""Reads the files for TensorFlow Datasets that lie beside a dataset, and tells ours from those of others."""

from fitfeed.schemas.files import RefusedFileError
from fitfeed.schemas.storage.place import Place
from fitfeed.schemas.tfds_info import MARKED_BYTES, is_tfds_file


def read_if_ours(dataset: Place, name: str, *, at_most: int = 0) -> bytes | None:
    """Reads a file of one of the `TFDS_NAMES`, which may be somebody else's.

    Args:
        dataset: The folder of the dataset.
        name: Of the file.
        at_most: Bytes to read; at least `MARKED_BYTES` are.

    Returns:
        Its first bytes; nothing if there is no such file, and None if fitfeed has not written what is there.

    Raises:
        OSError: If it cannot be read, although this user may: the disk or the store fails.
    """
    try:
        content, _ = dataset.read(name, at_most=max(at_most, MARKED_BYTES))
    except FileNotFoundError:
        return b""
    except (RefusedFileError, IsADirectoryError, PermissionError):
        return None
    return content if is_tfds_file(content) else None
