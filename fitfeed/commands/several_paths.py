"""Says what to write where `convert` is given more than one SOURCE, as a shell does that expands `photos/*`."""

import os
from collections.abc import Sequence
from pathlib import PurePath

from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.text import short_repr

SHOWN_PATHS = 3


def require_two_paths(paths: Sequence[str]) -> None:
    """Refuses more paths than SOURCE and DATASET.

    Args:
        paths: All paths of the command line, in order.

    Raises:
        UsageError: If there are more than two.
    """
    if len(paths) <= 2:
        return
    *sources, dataset = paths
    shown = ", ".join(map(short_repr, paths[:SHOWN_PATHS]))
    msg = f"convert takes one SOURCE and one DATASET. Received {len(paths)} paths: {shown}{', ...' if len(paths) > SHOWN_PATHS else ''}."
    folders = {os.path.dirname(path.rstrip("/")) for path in sources}  # noqa: PTH120 - "" for the current folder
    if len(folders) == 1:
        folder = folders.pop()
        pattern = PurePath(folder, "*")
        outside = dataset if folder else f"../{PurePath(dataset).name}"
        msg += f" If the shell made them of a pattern such as {pattern}, give the folder: fitfeed convert {folder or '.'} {outside}."
    msg += " Several sources are not merged in one run: convert the first, then add each of the others with --append."
    raise UsageError(msg)
