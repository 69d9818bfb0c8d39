"""Counts the memory that this process may still take. In a container it is often less than the machine has."""

import math
from pathlib import Path

from fitfeed.schemas.control_groups import group_folders, words


def available_memory(*, root: Path = Path("/")) -> float:
    """Counts bytes that are free, or that hold files which are on a disk: the machine's, limited by control groups.

    Args:
        root: Folder of `proc` and `sys`. Only tests have another one than `/`.

    Returns:
        Bytes, at least 0; infinite if nobody says.
    """
    machine = _numbers(root / "proc/meminfo").get("MemAvailable:", math.inf) * 1024
    newer = [
        _left(folder, "memory.max", "memory.current", ("inactive_file", "active_file"))
        for folder in group_folders(root, controller="")
    ]
    older = [
        _left(
            folder,
            "memory.limit_in_bytes",  # a huge number where there is no limit
            "memory.usage_in_bytes",
            ("total_inactive_file", "total_active_file"),
        )
        for folder in group_folders(root, controller="memory")
    ]
    return max(0.0, min([machine, *newer, *older]))


def _left(folder: Path, limit: str, used: str, files: tuple[str, str]) -> float:
    """Bytes that a group has left. What it holds of files counts as used, but is given up for others."""
    most, now = words(folder / limit), words(folder / used)
    if not most or not most[0].isdigit() or not now:  # "max" is no limit
        return math.inf
    held = _numbers(folder / "memory.stat")
    return int(most[0]) - int(now[0]) + sum(held.get(name, 0) for name in files)


def _numbers(file: Path) -> dict[str, int]:
    """Lines `name number`, with whatever behind."""
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return {}
    return {name: int(number) for name, number, *_ in map(str.split, lines)}
