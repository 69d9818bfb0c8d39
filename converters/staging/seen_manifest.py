"""The manifest that is there when a launch looks, which may be anything."""

import errno
import hashlib
from typing import NamedTuple

from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.files import RefusedFileError
from fitfeed.schemas.manifest import MANIFEST_NAME, MAX_MANIFEST_BYTES
from fitfeed.schemas.storage.place import Place


class SeenManifest(NamedTuple):
    """A manifest that was there, whatever it is.

    Attributes:
        content: Its bytes; None if there was none, or something that no reader takes for one.
        sha256: Their SHA-256.
        identity: The identity of its file.
        is_missing: Whether nothing at all has its name.
    """

    content: bytes | None = None
    sha256: str | None = None
    identity: str | None = None
    is_missing: bool = False


def see_manifest(dataset: Place) -> SeenManifest:
    """Reads the manifest that is there now.

    Args:
        dataset: The dataset.

    Raises:
        UsageError: If it cannot be read.
    """
    try:
        content, found = dataset.read(MANIFEST_NAME, at_most=MAX_MANIFEST_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return SeenManifest(is_missing=True)
    except RefusedFileError:
        return SeenManifest()
    except OSError as error:
        if error.errno == errno.ELOOP:
            return SeenManifest()
        mend = dataset.choose(
            local=lambda _: "Change its permissions", far=lambda place: place.area().access_advice
        )
        msg = f"{dataset.address(MANIFEST_NAME)} cannot be read: {error.strerror}. {mend}."
        raise UsageError(msg) from error
    return SeenManifest(content, hashlib.sha256(content).hexdigest(), found.identity)
