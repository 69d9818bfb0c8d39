"""Reads the name of a color profile from bytes that anybody may have written."""

from typing import Any

MAX_PROFILE_NAME = 64
UNNAMED = "unnamed"
MAX_TAGS = 100
HEADER_BYTES = 128


def profile_name(profile: Any) -> str | None:
    """Names an ICC profile by its description (ICC.1:2022, section 9.2.41), as programs show it.

    Only a few tags are read, even if the profile claims to have more.

    Args:
        profile: The bytes of the profile, as an image file has them. Any other value is not a profile.

    Returns:
        1 to 64 printable characters, with single spaces between words; `unnamed` if there is no description that
        can be read. None if there is no profile.
    """
    if not isinstance(profile, bytes) or not profile:
        return None
    words = _description(profile).split()
    name = " ".join("".join(filter(str.isprintable, word)) for word in words)
    return name[:MAX_PROFILE_NAME].strip() or UNNAMED


def _description(profile: bytes) -> str:
    """The text of the tag `desc`; empty if there is none."""
    for entry in range(min(_number(profile, HEADER_BYTES), MAX_TAGS)):
        place = HEADER_BYTES + 4 + 12 * entry
        if profile[place : place + 4] == b"desc":
            start, length = _number(profile, place + 4), _number(profile, place + 8)
            return _text(profile[start : start + length])
    return ""


def _text(tag: bytes) -> str:
    """The start of a text. It is ASCII in version 2 of the standard, and a list of translations in version 4."""
    most = 4 * MAX_PROFILE_NAME  # enough for the longest name in either encoding
    if tag.startswith(b"desc"):
        length = min(_number(tag, 8), most)
        return tag[12 : 12 + length].partition(b"\0")[0].decode("latin-1")
    if not tag.startswith(b"mluc"):
        return ""
    entries = [16 + 12 * entry for entry in range(min(_number(tag, 8), MAX_TAGS))]
    english = (place for place in entries if tag[place : place + 2] == b"en")
    place = next(english, 16)
    length, start = min(_number(tag, place + 4), most), _number(tag, place + 8)
    return tag[start : start + length].decode("utf-16-be", "replace")


def _number(data: bytes, place: int) -> int:
    """Four bytes as a number, or fewer at the end."""
    return int.from_bytes(data[place : place + 4], "big")
