"""The control groups of this process, which limit it in a container."""

from pathlib import Path


def group_folders(root: Path, *, controller: str) -> list[Path]:
    """Lists the folders of this process's group and of all groups above it, whose limits hold for it, too.

    Args:
        root: Folder of `proc` and `sys`. Only tests have another one than `/`.
        controller: Of the older interface, `cpu` or `memory`; empty: the newer one, which has one tree for all.

    Returns:
        Folders that may be missing; none if this process is in no such group.
    """
    group = _group(root, controller)
    if group is None:
        return []
    return [root / "sys/fs/cgroup" / controller / level for level in (group, *group.parents)]


def words(file: Path) -> list[str]:
    """Returns the words of a file; none if it is missing."""
    try:
        return file.read_text().split()
    except OSError:
        return []


def _group(root: Path, controller: str) -> Path | None:
    """Path of this process's group below the tree's root, read from lines `id:controllers:/path`."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return Path(path.lstrip("/"))
    return None
