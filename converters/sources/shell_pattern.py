"""Says what to write where a shell has made several SOURCEs of a pattern such as `photos/*`."""

import os
from collections.abc import Sequence
from pathlib import PurePath

from fitfeed.schemas.storage.open_place import GivenPath


def pattern_hint(sources: Sequence[GivenPath], dataset: GivenPath | None = None) -> str:
    """The end of a message about paths that are not what was meant: they are likely what a shell made of a pattern.

    Args:
        sources: All SOURCEs.
        dataset: DATASET as it was written, if it may be one of what the shell made.

    Returns:
        A sentence; empty if the paths do not look so, because there is one, or they are not in one folder.
    """
    made = [*sources, *([] if dataset is None else [dataset])]
    folders = {os.path.dirname(path) for path in map(str, made)}  # noqa: PTH120 - "" for the current folder
    if len(sources) < 2 or len(folders) > 1:
        return ""
    folder = folders.pop()
    where = folder or "."
    return f"If the shell made these {len(made)} paths of a pattern such as {PurePath(folder, '*')}, give the folder, and then DATASET: fitfeed convert {where} DATASET."
