"""What shows that an object is still the one that was found: its ETag."""

from datetime import datetime
from typing import TYPE_CHECKING

from fitfeed.schemas.storage.place import Found

if TYPE_CHECKING:
    from obstore import ObjectMeta


def found_of(meta: "ObjectMeta", name: str) -> Found:
    """What a store says of an object.

    Args:
        meta: What it says.
        name: Name of the object, below a place.
    """
    return Found(name, meta["size"], identity_of(meta), _nanoseconds(meta["last_modified"]))


def identity_of(meta: "ObjectMeta") -> str:
    """The ETag without its quotes, which not every listing has; or, if the store gives none, size and time."""
    tag = meta["e_tag"]
    return bare_tag(tag) if tag else f"{meta['size']}@{_nanoseconds(meta['last_modified'])}"


def bare_tag(tag: str) -> str:
    """An ETag without quotes."""
    return tag[1:-1] if tag.startswith('"') and tag.endswith('"') and len(tag) > 2 else tag


def tag_of(identity: str) -> str | None:
    """The ETag as a condition has it; None if the store gives none."""
    if "@" in identity:
        return None
    return identity if identity.startswith("W/") else f'"{identity}"'


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 10**9 + moment.microsecond * 1000
