"""A bound on the memory of a process that decodes files from anywhere."""

import resource
from pathlib import Path

BYTES_PER_PIXEL = 64
"""Decoding, turning, compositing, resizing and encoding together take at most about half of that; see
docs/adr/0005-isolation.md for what was measured."""

FIXED_BYTES = 1 << 30  # 1 GiB: the libraries themselves, and bookkeeping that grows with the shard

MAX_FILE_BYTES_PER_PIXEL = 16  # twice an uncompressed 16-bit RGBA image
MAX_FILE_FIXED_BYTES = 64 << 20  # 64 MiB of metadata


def memory_bound(max_pixels: int) -> int:
    """Bytes that a process may need to convert any image of `max_pixels` pixels."""
    return BYTES_PER_PIXEL * max_pixels + FIXED_BYTES


def file_bound(max_pixels: int) -> int:
    """Bytes that a file with an image of `max_pixels` pixels may have."""
    return MAX_FILE_BYTES_PER_PIXEL * max_pixels + MAX_FILE_FIXED_BYTES


class _Limit:
    in_force = False


def limit_memory(max_pixels: int) -> None:
    """Limits this process, so that a file which makes a decoder allocate more fails instead.

    The limit is on RLIMIT_DATA, which counts what the process may write to, not the libraries and
    files that it maps. A lower limit that is already there stays.
    """
    bound = memory_bound(max_pixels) + _data_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    for present in (soft, hard):
        if present != resource.RLIM_INFINITY and present < bound:
            return
    resource.setrlimit(resource.RLIMIT_DATA, (bound, hard))
    _Limit.in_force = True


def memory_is_limited() -> bool:
    """Whether a `MemoryError` in this process means that `limit_memory`'s bound was exceeded."""
    return _Limit.in_force


def _data_bytes() -> int:
    """What the process has now: threads and arenas of the libraries, mostly reserved, not used."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) << 10
    return 0
