"""Tells paths from addresses. Nothing is read from or written to an object store yet, so an address is refused here."""

import os
import re
from pathlib import Path

from fitfeed.schemas.errors import UsageError

ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
FOLDED_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:(/|$)")
"""What `Path` makes of an address: of two slashes it keeps one, or none at the end."""


def local_path(path: str | os.PathLike[str], what: str) -> Path:
    """A path of this machine, given by a user. Every path that a user gives goes through here.

    Without this check, `gs://bucket/flowers` would be a folder called `gs:`.

    Args:
        path: As it was given.
        what: What the message calls it, such as `SOURCE`.

    Raises:
        UsageError: If it is an address.
    """
    text = os.fspath(path)
    if (ADDRESS if isinstance(path, str) else FOLDED_ADDRESS).match(text):
        scheme, _, rest = text.partition(":")
        address = text if isinstance(path, str) else f"{scheme}://{rest.lstrip('/')}"
        if scheme.lower() == "file":
            mend = f"Write it as a path: /{rest.lstrip('/')}"
        else:
            mend = f"Copy it to this machine, or mount the {scheme} store, and give the path of the local folder or file."
        msg = f"{what} {address} is an address, and only local paths can be read and written. {mend}"
        raise UsageError(msg)
    return Path(text)
