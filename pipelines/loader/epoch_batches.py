"""One iteration of a loader."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Generic, TypeVar

from fitfeed.pipelines.loader.hand_over import HandOver
from fitfeed.pipelines.loader.made_ahead import MadeAhead
from fitfeed.pipelines.order.owner_process import OwnerProcess

T = TypeVar("T")


class EpochBatches(Generic[T]):
    """The batches of an epoch, from its first step on. For one thread.

    Whatever ends a call (Ctrl-C, a full device), the batch that it did not return comes with the next one.
    """

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
        self._unsent: tuple[int, Any] | None = None
        self._sent: deque[tuple[int, Any]] = deque()

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
        if not self._sent:
            self._send()
        self._send_early()
        step, sent = self._sent[0]
        batch = self._hand_over.receive(sent)
        self._sent.popleft()
        self._on_return(step)
        return batch

    def close(self) -> None:
        """Makes no more batches. An iterator that nobody holds is closed."""
        self._unsent = None
        self._sent.clear()
        self._prepared.close()

    def _send_early(self) -> None:
        """Sends the batch after the next while the model works on the next one, but not if that means to wait."""
        is_worth_it = self._hand_over.sends and len(self._sent) == 1
        if not (is_worth_it and (self._unsent or self._prepared.is_ready)):
            return
        with suppress(Exception):  # it is sent again in its turn, and what it raises then is its error
            self._send()

    def _send(self) -> None:
        if self._unsent is None:
            self._unsent = next(self._prepared)
        step, prepared = self._unsent
        self._sent.append((step, self._hand_over.send(prepared)))
        self._unsent = None
