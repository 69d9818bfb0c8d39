"""Loaders for JAX: Grain over ArrayRecord files, which Keras takes, too; and fitfeed."""

import pickle
from collections.abc import Callable
from typing import Any

from benchmarks.loaders.material import SHARDS, Task
from benchmarks.loaders.numpy_based import loader_of
from benchmarks.loaders.transform import Transform


class Decode:
    """From a stored record to a normalised image and its label. Picklable."""

    def __init__(self, transform: Transform) -> None:
        """Takes what happens to the image."""
        self._transform = transform

    def __call__(self, record: bytes) -> tuple[Any, int]:
        """Unpickles what `_write` wrote, and transforms the image."""
        payload, label = pickle.loads(record)  # noqa: S301  our own bytes
        return self._transform(payload), label


def _dataset(task: Task) -> Any:
    import grain
    from array_record.python.array_record_module import ArrayRecordWriter

    folder = task.path / "array_record"
    if not folder.exists():
        folder.mkdir()
        examples = task.examples()
        for shard in range(SHARDS):
            writer = ArrayRecordWriter(str(folder / f"{shard:05d}.array_record"), "group_size:1")
            for number in range(shard, len(examples), SHARDS):
                writer.write(pickle.dumps(examples[number]))
            writer.close()
    source = grain.sources.ArrayRecordDataSource(sorted(map(str, folder.glob("*.array_record"))))
    transform = Transform(task.side, task.mean, task.std)
    return grain.MapDataset.source(source).seed(0).shuffle().map(Decode(transform))


def threads(task: Task) -> Callable[[], int]:
    """Grain with read threads in this process; a global shuffle."""
    import grain

    options = grain.ReadOptions(num_threads=task.workers, prefetch_buffer_size=4 * task.batch_size)
    batches = _dataset(task).to_iter_dataset(options).batch(task.batch_size, drop_remainder=True)
    return lambda: sum(len(labels) for _, labels in batches)


def processes(task: Task) -> Callable[[], int]:
    """Grain with worker processes; a global shuffle."""
    import grain

    # Grain's workers end with each epoch. Several in a row start them only once.
    dataset = _dataset(task).repeat(4)
    batches = dataset.to_iter_dataset().batch(task.batch_size, drop_remainder=True)
    batches = batches.mp_prefetch(grain.MultiprocessingOptions(num_workers=task.workers))
    return lambda: sum(len(labels) for _, labels in batches)


def fitfeed(task: Task) -> Callable[[], int]:
    """Our loader, as arrays of JAX, each of which is there before the next is asked for."""
    batches = loader_of(task).jax()
    return lambda: sum(len(images.block_until_ready()) for images, _ in batches)
