"""Limits the memory of a process that decodes files of any origin."""

from fitfeed.schemas.processes.memory import limit_data

BYTES_PER_PIXEL = 64
"""Decoding, turning, compositing, resizing and encoding take at most about half of it together. For the measurements
see docs/adr/0005-isolation.md."""

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


def limit_memory(max_pixels: int, *, more_bytes: int = 0) -> None:
    """Limits this process, so that decoding a file fails if it would take more memory.

    A lower limit that is already set stays.

    Args:
        max_pixels: Of the largest image.
        more_bytes: What the process needs besides.
    """
    if limit_data(memory_bound(max_pixels) + more_bytes):
        _Limit.in_force = True


def memory_is_limited() -> bool:
    """Whether a `MemoryError` in this process means that the limit of `limit_memory` was exceeded."""
    return _Limit.in_force
