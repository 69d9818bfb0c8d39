"""Records when each batch that an iterator gives was there."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fitfeed.pipelines.monitor.epoch_waiting import RunningExecution
from fitfeed.pipelines.stages.stage_clock import Clock


class TimedIterator(Iterator[Any]):
    """Passes on the batches of an iterator, and records them in an execution."""

    def __init__(self, batches: Iterator[Any], execution: RunningExecution, clock: Clock) -> None:
        """Records nothing yet.

        Args:
            batches: Gives batches: arrays, or tuples, lists and dicts of them.
            execution: Is told of each.
            clock: Says what time it is.
        """
        self._batches, self._execution, self._clock = batches, execution, clock

    def __next__(self) -> Any:
        """Returns the next batch."""
        batch = next(self._batches)
        self._execution.ready.append(self._clock())
        self._execution.examples.append(examples_of(batch))
        return batch


def examples_of(batch: Any) -> int:
    """Returns how many examples a batch has: the length of its first array; 0 if nothing in it has a length.

    Args:
        batch: An array (examples, ...), or a tuple, list or dict of such, which may have numbers before them, as those of
            `enumerate`. `tf.distribute` has an array for each replica.
    """
    return next(_lengths(batch), 0)


def _lengths(batch: Any) -> Iterator[int]:
    """Yields the lengths of arrays, in order."""
    if isinstance(batch, tuple | list | Mapping):
        for part in batch.values() if isinstance(batch, Mapping) else batch:
            yield from _lengths(part)
        return
    replicas = getattr(batch, "values", None)
    if isinstance(replicas, tuple):
        yield sum(map(examples_of, replicas))
        return
    shape: Sequence[int] = getattr(batch, "shape", ())
    if len(shape):  # numbers of TensorFlow have a shape, and none of its entries
        yield int(shape[0])
