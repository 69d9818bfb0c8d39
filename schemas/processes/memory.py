"""Limits the memory of a process that reads files of any origin."""

import resource
from pathlib import Path


def limit_data(more_bytes: int) -> bool:
    """Limits this process to some bytes more than it has; beyond that, an allocation fails.

    It sets RLIMIT_DATA, which counts memory that the process may write to, and not the libraries and files that it maps.
    A lower limit that is already set stays.

    Args:
        more_bytes: Bytes on top of those that it has now.

    Returns:
        Whether this limit is the one in force.
    """
    bound = more_bytes + _data_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    for present in (soft, hard):
        if present != resource.RLIM_INFINITY and present < bound:
            return False
    resource.setrlimit(resource.RLIMIT_DATA, (bound, hard))
    return True


def _data_bytes() -> int:
    """Bytes that the process has now: threads and arenas of the libraries, which are mostly reserved, not used."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) << 10
    return 0
