"""Tells paths from addresses, and refuses addresses where only a path of this machine will do."""

import os
import re
from pathlib import Path

from fitfeed.schemas.errors import UsageError

ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
FOLDED_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:(/|$)")
"""What `Path` makes of an address: of two slashes it keeps one, or none at the end."""


def local_path(path: str | os.PathLike[str], what: str) -> Path:
    """A path of this machine, given by a user. What may be in a store, too, goes through `open_place`.

    Without this check, `gs://bucket/flowers` would be a folder called `gs:`.

    Args:
        path: As it was given.
        what: What the message calls it, such as `--font`.

    Raises:
        UsageError: If it is an address.
    """
    address = address_in(path)
    if address is not None:
        scheme, _, rest = address.partition("://")
        if scheme.lower() == "file":
            mend = f"Write it as a path: /{rest.lstrip('/')}"
        else:
            mend = f"Copy it to this machine, or mount the {scheme} store, and give the path of the local folder or file."
        msg = f"{what} {without_secrets(address)} is an address, and {what} must be on this machine. {mend}"
        raise UsageError(msg)
    return Path(path)


def address_in(given: str | os.PathLike[str]) -> str | None:
    """The address that was given in place of a path, with its `://` whole; None if it is a path.

    Args:
        given: As it was given. A `Path` has an address without one of its slashes.
    """
    if isinstance(given, str):
        return given if ADDRESS.match(given) else None
    text = os.fspath(given)
    if not FOLDED_ADDRESS.match(text):
        return None
    scheme, _, rest = text.partition(":")
    return f"{scheme}://{rest.lstrip('/')}"


def without_secrets(address: str) -> str:
    """An address to be shown: without its query, and without all else if it seems to have a password.

    Args:
        address: It has `://`.
    """
    scheme, _, rest = address.partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in rest and re.search("[:@]", authority):  # keys of AWS may have a slash
        return f"{scheme}://..."
    return f"{scheme}://{rest.partition('?')[0]}"
