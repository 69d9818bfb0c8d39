"""The steps of an epoch: which slice of the global order each worker takes in each step.

A step is a global batch of `workers * batch_size` consecutive positions, cut into one slice per
worker. Every worker has the same number of steps: a worker with one step more would wait forever
in its all-reduce. Without `drop_remainder` every example occurs exactly once.

For example 10 examples, 2 workers and batch_size=2, without `drop_remainder`:

    position    0 1 | 2 3   4 5 | 6 7   8 | 9
    worker       0  |  1     0  |  1    0 | 1
    step         0  |  0     1  |  1    2 | 2
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from fitfeed.schemas.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class EpochSteps:
    """Step arithmetic of one worker. Immutable, picklable, thread-safe.

    Attributes:
        examples: Examples in the split.
        batch_size: Examples per step of one worker.
        shard: (index, count) of this worker.
        drop_remainder: Whether to leave out what does not fill a global batch. If not, the remainder
            is divided among the workers. If the remainder is smaller than their number, the last
            full global batch and the remainder are spread over two steps, so no slice is empty.
    """

    examples: int
    batch_size: int
    shard: tuple[int, int]
    drop_remainder: bool
    _full: int = field(init=False, repr=False)
    _tail: tuple[int, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Plans the last steps.

        Raises:
            UsageError: If the examples do not give every worker one step.
        """
        full, tail = self._plan()
        object.__setattr__(self, "_full", full)
        object.__setattr__(self, "_tail", tail)

    def _plan(self) -> tuple[int, tuple[int, ...]]:
        """Returns the number of full global batches, and the sizes of the smaller ones after them."""
        workers = self.shard[1]
        full, rest = divmod(self.examples, self.global_batch)
        if self.drop_remainder:
            if not full:
                msg = (
                    f"the {self.examples} examples do not fill one global batch of {self.global_batch} "
                    f"(batch_size times shard count), so drop_remainder=True leaves nothing. Received: "
                    f"batch_size={self.batch_size}, shard={self.shard}. Use a smaller batch_size, or drop_remainder=False."
                )
                raise UsageError(msg)
            return full, ()
        if not rest:
            return self._at_least_one(full), ()
        if rest >= workers:
            return full, (rest,)
        self._at_least_one(full)
        last = self.global_batch + rest
        if last < 2 * workers:
            msg = (
                f"{rest} of {self.examples} examples remain for {workers} workers, and batches of one cannot be "
                f"divided. Received: batch_size={self.batch_size}, shard={self.shard}. "
                f"Use batch_size=2 or more, or drop_remainder=True."
            )
            raise UsageError(msg)
        return full - 1, (last - last // 2, last // 2)

    def _at_least_one(self, full: int) -> int:
        if full:
            return full
        msg = (
            f"every worker needs an example, but the split has only {self.examples}. "
            f"Received: shard={self.shard}. Use fewer workers."
        )
        raise UsageError(msg)

    @property
    def global_batch(self) -> int:
        """Examples per full step, all workers together."""
        return self.batch_size * self.shard[1]

    def __len__(self) -> int:
        """Returns the number of steps per epoch, which is the same for every worker."""
        return self._full + len(self._tail)

    def bounds(self, step: int) -> tuple[int, int]:
        """Returns the positions [first, stop) of the global order that this worker reads in a step."""
        index, workers = self.shard
        first, size = self._global(step)
        return first + size * index // workers, first + size * (index + 1) // workers

    def examples_of(self, worker: int) -> int:
        """Returns how many examples a worker reads in an epoch."""
        workers = self.shard[1]
        tail = sum(size * (worker + 1) // workers - size * worker // workers for size in self._tail)
        return self._full * self.batch_size + tail

    def sizes(self) -> npt.NDArray[np.int64]:
        """Returns the examples of this worker in each step: int64 (steps,), all positive."""
        sizes = np.full(len(self), self.batch_size, np.int64)
        for step in range(self._full, len(self)):
            first, stop = self.bounds(step)
            sizes[step] = stop - first
        return sizes

    def _global(self, step: int) -> tuple[int, int]:
        """Returns the first position and the size of the global batch of a step."""
        later = step - self._full
        if later < 0:
            return step * self.global_batch, self.global_batch
        return self._full * self.global_batch + sum(self._tail[:later]), self._tail[later]
