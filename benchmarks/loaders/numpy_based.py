"""What needs no framework: fitfeed's loader as it is."""

from collections.abc import Callable

from benchmarks.loaders.material import Task
from fitfeed import Loader, RandomFlip, RandomResizedCrop, make_loader


def loader_of(task: Task) -> Loader:
    """The loader that all frameworks are fed from."""
    return make_loader(
        task.dataset(),
        "train",
        batch_size=task.batch_size,
        image_size=(task.side, task.side),
        augment=[RandomResizedCrop(), RandomFlip("horizontal")],
        processes=task.workers,
    )


def fitfeed(task: Task) -> Callable[[], int]:
    """Batches as NumPy arrays."""
    batches = loader_of(task)
    return lambda: sum(len(labels) for _, labels in batches)
