"""LitData's `optimize`."""

from typing import Any

from benchmarks.packers.task import Task, transcode

CHUNK_BYTES = "64MB"
"""As in LitData's own examples."""


def optimize(task: Task) -> int:
    """Converts with as many workers as there are CPUs."""
    import litdata as ld

    files = task.files()
    ld.optimize(
        fn=item,
        inputs=files,
        output_dir=str(task.target),
        chunk_bytes=CHUNK_BYTES,
        num_workers=task.workers,
        verbose=False,
    )
    return len(ld.StreamingDataset(str(task.target)))


def item(file: tuple[str, int]) -> dict[str, Any]:
    """One example. LitData's processes import it from here."""
    path, label = file
    return {"image": transcode(path), "label": label}
