"""The room for temporary files that a conversion into a store needs on this machine."""

import shutil
import tempfile

from fitfeed.converters.planning.size_estimate import expected_bytes
from fitfeed.converters.staging.job import ConversionPlan
from fitfeed.schemas.cpus import available_cpus
from fitfeed.schemas.errors import UsageError

MIB = 1 << 20

INDEX_BYTES = 512
"""More than an example takes in the index and the tables beside it, if its path is of an ordinary length."""

MARGIN = 1.25
"""The sizes of images that are encoded anew are estimates."""


def room_needed(plan: ConversionPlan, *, workers: int) -> int:
    """Bytes of temporary files that there may be at once.

    Each worker builds one shard at a time; HDF5 twice, because the images are collected before the file is laid out. At
    the end there are the index and the tables of all examples, and with `--duplicates drop` shards that are rewritten.

    Args:
        plan: The plan.
        workers: Number of processes.
    """
    options = plan.job.options
    sizes = sorted(
        (expected_bytes(shard.images, shard.source_bytes, options) for shard in plan.outlines), reverse=True
    )
    copies = 2 if options.format == "hdf5" else 1
    building = sum(sizes[:workers]) * copies
    rewriting = sum(sizes[: available_cpus()]) * (copies + 1) if options.duplicates == "drop" else 0
    return int(MARGIN * max(building, rewriting, plan.job.files * INDEX_BYTES))


def require_room(plan: ConversionPlan, *, workers: int) -> None:
    """Checks that there is room for temporary files, before the work begins.

    Args:
        plan: The plan.
        workers: Number of processes.

    Raises:
        UsageError: If there is too little.
    """
    needed, folder = room_needed(plan, workers=workers), tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if needed > free:
        msg = f"shards are built on this machine before they are put into the store. With {workers} workers that takes about {_shown(needed)} in {folder}, where {_shown(free)} are free. Make room there, set TMPDIR to a folder with more room, or give fewer --workers or a smaller --shard-size."
        raise UsageError(msg)


def _shown(size: int) -> str:
    return f"{size / MIB:.0f} MiB"
