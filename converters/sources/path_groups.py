"""Groups images by what their paths have in common: `--group-from 'patient[0-9]+'`."""

import re
from collections.abc import Sequence

from fitfeed.schemas.errors import UsageError


def groups_from_paths(keys: Sequence[str], pattern: str) -> list[str]:
    """The group of each image: what the first parentheses of a pattern find in its path, or without any the whole of it.

    Args:
        keys: Of the images.
        pattern: A regular expression of Python. It may begin anywhere in a path.

    Raises:
        UsageError: If it finds nothing in a path, so that an image would have no group.
    """
    search = re.compile(pattern).search
    groups: list[str] = []
    for key in keys:
        match = search(key)
        group = None if match is None else match[min(1, len(match.groups()))]
        if not group:
            what = "it does not fit" if match is None else "its group is empty"
            msg = f"--group-from {pattern!r} finds no group in {key!r}: {what}. Every image needs one: give a pattern that fits all paths, or leave such images out with --exclude."
            raise UsageError(msg)
        groups.append(group)
    return groups
