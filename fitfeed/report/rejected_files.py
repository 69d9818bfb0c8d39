"""The first rejects of each reason, from the dataset's list of them."""

from collections import defaultdict

from fitfeed.converters.rejects import Reject
from fitfeed.converters.verify.rejects import read_reject
from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.manifest import Manifest
from fitfeed.schemas.storage.place import Place

EACH = 5
MAX_BYTES = 16 << 20
"""16 MiB of the list are read, some 100,000 files: the manifest has the counts of all."""


def first_rejects(place: Place, manifest: Manifest) -> dict[str, list[Reject]]:
    """The first files of each reason.

    Args:
        place: The dataset.
        manifest: Of the dataset.

    Raises:
        DamagedDatasetError: If the list is not there, or a line is not a reject.
    """
    name, found = manifest.rejects_file.file, defaultdict[str, list[Reject]](list)
    try:
        content, _ = place.read(name, at_most=MAX_BYTES)
        whole = content if len(content) < MAX_BYTES else content[: content.rindex(b"\n")]
        for line in whole.splitlines():
            reject = read_reject(line)
            if reject.handling == "rejected" and len(found[reject.reason]) < EACH:
                found[reject.reason].append(reject)
    except (OSError, ValueError) as error:
        msg = f"{place.address(name)} cannot be read as a list of rejects: {error}. fitfeed verify names all that is damaged."
        raise DamagedDatasetError(msg) from error
    return dict(found)
