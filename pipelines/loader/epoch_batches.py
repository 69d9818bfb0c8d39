"""One iteration of a loader."""

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from fitfeed.pipelines.loader.hand_over import HandOver
from fitfeed.pipelines.loader.made_ahead import MadeAhead
from fitfeed.pipelines.order.owner_process import OwnerProcess

T = TypeVar("T")


class EpochBatches(Generic[T]):
    """The batches of an epoch, from its first step on. For one thread."""

    def __init__(
        self, prepared: MadeAhead[Any], hand_over: HandOver[T], on_return: Callable[[int], None]
    ) -> None:
        """Begins nothing before the first batch is asked for.

        Args:
            prepared: The batches, as `hand_over.prepare` makes them.
            hand_over: What becomes of them.
            on_return: Is called with the step of each batch that is returned.
        """
        self._prepared, self._hand_over, self._on_return = prepared, hand_over, on_return
        self._owner = OwnerProcess()
        self._sent: tuple[int, Any] | None = None

    def __iter__(self) -> Iterator[T]:
        """Returns itself."""
        return self

    def __next__(self) -> T:
        """Returns the next batch; waits for it.

        Raises:
            DamagedExampleError: If an example cannot be read or decoded.
            DamagedDatasetError: If a file is missing.
            UsageError: If a function in `augment` does not return an image, or one of another size.
            FeedError: If a worker process has died, or this process was forked from the one that made the loader.
        """
        self._owner.check()  # before anything waits for a thread that only the parent has
        step, sent = self._sent or self._send()
        self._sent = None
        # The device gets the next batch while the model works on this one, but not if that means to wait.
        if self._hand_over.sends and self._prepared.is_ready:
            self._sent = self._send()
        batch = self._hand_over.receive(sent)
        self._on_return(step)
        return batch

    def close(self) -> None:
        """Makes no more batches. An iterator that nobody holds is closed."""
        self._sent = None
        self._prepared.close()

    def _send(self) -> tuple[int, Any]:
        step, prepared = next(self._prepared)
        return step, self._hand_over.send(prepared)
