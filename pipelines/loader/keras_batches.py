"""Hands batches over to Keras' `fit`, on any of its backends."""

import inspect
import threading
from collections import deque
from collections.abc import Iterator
from types import FrameType
from typing import Any

import keras
from typing_extensions import override

from fitfeed.pipelines.loader.hand_over import AsArrays
from fitfeed.pipelines.loader.loader import Loader
from fitfeed.pipelines.options import PipelineOptions, is_int
from fitfeed.schemas.errors import UsageError

FORMER = 4
"""How many of those who have asked for batches are remembered."""


LOOK = 2
"""Batches that Keras takes, at most, before it trains."""


class KerasBatches(keras.utils.PyDataset):
    """The batches of a loader as a `PyDataset`; `Loader.keras` makes it. For one `fit` at a time. Not picklable.

    Keras asks for the batches of an epoch by their numbers, in an order that it has shuffled. It gets them in the order of the
    loader, whatever number it asks for: that order is shuffled already, and not by batches but by examples.

        Keras asks for        4  0  2  5  1  3  |  2  5  0  ...
        the loader returns    0  1  2  3  4  5  |  0  1  2  ...
                                  epoch 0           epoch 1

    Each time Keras goes through the numbers, that is an epoch of the loader. If it did not take all batches of the last one, it is the
    same one again: Keras takes a batch or two, to see what they are, before it trains. (Where an epoch has no more than those, the look
    is an epoch.)
    """

    def __init__(self, loader: Loader, options: PipelineOptions, *, rest: bool) -> None:
        """Starts nothing.

        Args:
            loader: What makes and counts the batches.
            options: Options of the loader.
            rest: Whether these are the batches that are left of an epoch.

        Raises:
            UsageError: If an element has parts that no model takes.
        """
        if options.output == "dict":
            msg = "fit takes (images, labels), and no keys. Received: output='dict'. Leave it out for loader.keras()."
            raise UsageError(msg)
        super().__init__()
        self._loader, self._hand_over = loader, AsArrays(options)
        self._began = loader.state_dict()  # where the epoch begins that was begun last
        self._first: int = self._began["step"] if rest else 0
        self._iterator: Iterator[Any] = iter(())
        self._taken = 0  # batches of that epoch
        self._asker: FrameType | None = None
        self._former: deque[FrameType | None] = deque(maxlen=FORMER)
        self._may_look = rest and len(self) <= LOOK
        self._lock = threading.Lock()

    @override
    def __len__(self) -> int:
        """Returns how many batches an epoch has, or what is left of it."""
        return len(self._loader) - self._first

    @override
    def __getitem__(self, index: int) -> Any:
        """Returns the next batch, whatever its number is.

        Raises:
            UsageError: If the loader is within an epoch, and this is not its rest.
            DamagedExampleError: If an example cannot be read or decoded.
        """
        frame = inspect.currentframe()
        asker = None if frame is None else frame.f_back
        with self._lock:
            # Nothing but who asks says that Keras goes through the numbers once more: each time is a generator of its own. Its calls
            # of `on_epoch_begin` do not, as an epoch of `steps_per_epoch` batches goes on with the last one's.
            if asker is not self._asker or self._taken == len(self):
                self._begin(asker)
            batch = next(self._iterator)
            self._taken += 1
        return batch

    def state_dict(self, steps: int) -> dict[str, Any]:
        """Returns the state after some steps of the epoch that Keras is in, for `Loader.load_state_dict`.

        That of the loader counts what Keras has taken, which is ahead of what it has trained on.

        Args:
            steps: How many steps are done: `batch + 1` in `on_train_batch_end(batch, logs)`.

        Raises:
            UsageError: If the epoch does not have so many steps.
        """
        if not is_int(steps) or not 0 <= steps <= len(self):
            msg = f"steps expects the number of steps that are done, 0 to {len(self)}. Received: steps={steps!r}"
            raise UsageError(msg)
        if steps == len(self):
            return {**self._began, "epoch": self._began["epoch"] + 1, "step": 0}
        return {**self._began, "step": self._began["step"] + steps}

    # Several workers of Keras would ask at the same time, or in other processes.

    @property
    @override
    def workers(self) -> int:
        return 1

    @workers.setter
    def workers(self, value: int) -> None:
        if value != 1:
            msg = f"Keras' workers would take batches out of order, and the loader has workers of its own. Received: workers={value!r}. Leave it out; see make_loader(processes=...)."
            raise UsageError(msg)

    @property
    @override
    def use_multiprocessing(self) -> bool:
        return False

    @use_multiprocessing.setter
    def use_multiprocessing(self, value: bool) -> None:
        if value:
            msg = f"a loader belongs to the process that made it, and has workers of its own. Received: use_multiprocessing={value!r}. Leave it out; see make_loader(processes=...)."
            raise UsageError(msg)

    def _begin(self, asker: FrameType | None) -> None:
        """Begins the epoch that comes next."""
        if asker is not self._asker and asker in self._former:
            msg = "Keras went through these batches, and goes through them once more already. Let one fit end before the next."
            raise UsageError(msg)
        found = self._loader.state_dict()
        place = self._began if self._is_looked_at(found) else found
        if place["step"] != self._first:
            raise UsageError(_within(place["epoch"], place["step"], rest=self._first))
        if place != found:
            self._loader.load_state_dict(place)
        self._iterator = self._loader.epoch(self._hand_over)
        self._began, self._taken = self._loader.state_dict(), 0
        self._former.append(self._asker)
        self._asker = asker

    def _is_looked_at(self, found: dict[str, Any]) -> bool:
        """Whether the epoch that was begun last is given again, unless someone has moved the loader since."""
        if found != self.state_dict(self._taken):
            return False
        if self._taken == len(self) and self._may_look:
            self._may_look = False
            return True
        return self._taken < len(self)


def _within(epoch: int, step: int, *, rest: int) -> str:
    if rest:
        return f"loader.keras(rest=True) is the rest of one epoch, and fit wants another. Train it by fit(..., initial_epoch={epoch - 1}, epochs={epoch}), and go on with fit(loader.keras(), initial_epoch={epoch}, ...)."
    return f"Keras gives each epoch of a fit as many steps, and the loader is within epoch {epoch}, at step {step}. Train the rest of it first: fit(loader.keras(rest=True), initial_epoch={epoch}, epochs={epoch + 1}). Then fit(loader.keras(), initial_epoch={epoch + 1}, ...)."
