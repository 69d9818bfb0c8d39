"""Counts the CPUs that this process may use. In a container they are often fewer than the machine has."""

import math
import os
from pathlib import Path

from fitfeed.schemas.control_groups import group_folders, words


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
    """Quotas in CPUs."""
    quotas = []
    for folder in group_folders(root, controller=""):
        quota = words(folder / "cpu.max")
        if len(quota) == 2 and quota[0].isdigit() and quota[1].isdigit():
            quotas.append(int(quota[0]) / int(quota[1]))
    return quotas


def _quotas_v1(root: Path) -> list[float]:
    """The same for the older interface, in which -1 means no limit."""
    quotas = []
    for folder in group_folders(root, controller="cpu"):
        quota, period = words(folder / "cpu.cfs_quota_us"), words(folder / "cpu.cfs_period_us")
        if quota and period and quota[0].isdigit() and period[0].isdigit():
            quotas.append(int(quota[0]) / int(period[0]))
    return quotas
