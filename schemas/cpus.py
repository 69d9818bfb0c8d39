"""Counts the CPUs that this process may use. In a container they are often fewer than the machine has."""

import math
import os
from pathlib import Path


def available_cpus(*, root: Path = Path("/")) -> int:
    """Counts the CPUs of this process's affinity mask, limited by its control group's quota.

    Args:
        root: Folder of `proc` and `sys`. Only tests have another one than `/`.

    Returns:
        At least 1. A fraction is rounded up, because one thread too many costs less than an idle CPU.
    """
    allowed = len(os.sched_getaffinity(0))
    quotas = [*_quotas_v2(root), *_quotas_v1(root)]
    return max(1, min([allowed, *(math.ceil(quota) for quota in quotas)]))


def _quotas_v2(root: Path) -> list[float]:
    """Quotas in CPUs of this process's group and of all groups above it, which hold for it, too."""
    folder = root / "sys/fs/cgroup"
    group = _group(root, controller="")
    if group is None:
        return []
    quotas = []
    for level in (group, *group.parents):
        words = _words(folder / level / "cpu.max")
        if len(words) == 2 and words[0].isdigit() and words[1].isdigit():
            quotas.append(int(words[0]) / int(words[1]))
    return quotas


def _quotas_v1(root: Path) -> list[float]:
    """The same for the older interface, in which -1 means no limit."""
    group = _group(root, controller="cpu")
    if group is None:
        return []
    quotas = []
    for level in (group, *group.parents):
        folder = root / "sys/fs/cgroup/cpu" / level
        quota, period = _words(folder / "cpu.cfs_quota_us"), _words(folder / "cpu.cfs_period_us")
        if quota and period and quota[0].isdigit() and period[0].isdigit():
            quotas.append(int(quota[0]) / int(period[0]))
    return quotas


def _group(root: Path, *, controller: str) -> Path | None:
    """Path of this process's group below the hierarchy's root, read from lines `id:controllers:/path`."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return Path(path.lstrip("/"))
    return None


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError:
        return []
