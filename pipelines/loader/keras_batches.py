"""Hands batches over to Keras' `fit`, on any of its backends."""

import inspect
import threading
from collections import deque
from collections.abc import Callable, Iterator
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
"""Batches that Keras takes, at most, to see what they are, before it trains."""

TURN = ".fitfeed"
"""The local variable by which one who asks is known again. No variable of Python has such a name."""


class KerasBatches(keras.utils.PyDataset):
    """The batches of a loader as a `PyDataset`; `Loader.keras` makes it. For one `fit` at a time. Not picklable.

    Keras asks for the batches of an epoch by their numbers, in an order that it has shuffled. It gets them in the order of the
    loader, whatever number it asks for: that order is shuffled already, and not by batches but by examples.

        Keras asks for        4  0  2  5  1  3  |  2  5  0  ...
        the loader returns    0  1  2  3  4  5  |  0  1  2  ...
                                  epoch 0           epoch 1

    Each time Keras goes through the numbers, that is an epoch of the loader. If it did not train on all batches of the last one, it is the
    same one again, from its first batch, whatever was taken ahead: Keras takes a batch or two, to see what they are, before it trains, and
    a `fit` may be stopped.
    """

    def __init__(
        self, loader: Loader, options: PipelineOptions, *, rest: bool, moves: Callable[[], int]
    ) -> None:
        """Starts nothing.

        Args:
            loader: What makes and counts the batches.
            options: Options of the loader.
            rest: Whether these are the batches that are left of an epoch.
            moves: How often an iteration of the loader was begun, or it was moved.

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
        self._taken = 0  # batches of that epoch, which Keras trains on later
        self._trained = 0  # and those that it has trained on when it last ended an epoch of its own
        self._before = 0  # of these, those before the epoch that Keras is in
        self._trains = False  # Keras is within an epoch
        self._counts = False  # and was, when that of the loader began: so it says how many it trains on
        self._moves, self._moved = moves, moves()
        self._asker: object = None
        self._former: deque[object] = deque(maxlen=FORMER)
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
        asker = _turn_of(inspect.currentframe())  # not in a variable: a frame that has itself stays
        with self._lock:
            # Nothing but who asks says that Keras goes through the numbers once more: each time is a generator of its own. Its calls
            # of `on_epoch_begin` do not, as an epoch of `steps_per_epoch` batches goes on with the last one's.
            if asker is not self._asker or self._taken == len(self):
                self._begin(asker)
            try:
                batch = next(self._iterator)
            except BaseException:
                self._asker = None  # this iterator has ended
                raise
            self._taken += 1
        return batch

    @override
    def on_epoch_begin(self) -> None:
        """Keras begins an epoch of its own, which may be a part of the loader's: `steps_per_epoch`."""
        self._trains, self._before = True, self._trained

    @override
    def on_epoch_end(self) -> None:
        """Keras has ended it, or has left it before its end."""
        steps = _steps_of_keras(inspect.currentframe(), whole=len(self))
        self._trains, self._trained = False, min(self._trained + steps, self._taken)

    def state_dict(self, steps: int) -> dict[str, Any]:
        """Returns the state after some steps of the epoch that Keras is in, for `Loader.load_state_dict`.

        That of the loader counts what Keras has taken, which is ahead of what it has trained on. With `steps_per_epoch`, earlier epochs of
        Keras that are of the same epoch of the loader are counted, too.

        Args:
            steps: How many steps are done: `batch + 1` in `on_train_batch_end(batch, logs)`.

        Raises:
            UsageError: If the epoch does not have so many steps.
        """
        left = len(self) - self._before
        if not is_int(steps) or not 0 <= steps <= left:
            msg = f"steps expects the number of steps that are done, 0 to {left}. Received: steps={steps!r}"
            raise UsageError(msg)
        return self._state(self._before + steps)

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

    def _begin(self, asker: object) -> None:
        """Begins the epoch that comes next."""
        if asker is not self._asker and asker in self._former:
            msg = "Keras went through these batches, and goes through them once more already. Let one fit end before the next."
            raise UsageError(msg)
        moved = self._moves() != self._moved
        place = self._loader.state_dict() if moved else self._state(len(self) if self._is_done() else 0)
        if place["step"] != self._first:
            raise UsageError(_within(place["epoch"], place["step"], rest=self._first))
        if not moved:
            self._loader.load_state_dict(place)
        self._iterator = self._loader.epoch(self._hand_over)
        if self._taken < len(
            self
        ):  # who has all batches may ask again: from Python 3.12 on, a list comprehension is its function
            self._former.append(self._asker)
        self._began, self._moved = self._loader.state_dict(), self._moves()
        self._taken = self._trained = self._before = 0
        self._counts = self._trains
        self._asker = asker

    def _is_done(self) -> bool:
        """Whether the epoch that was begun last is trained on, so that another one comes."""
        if self._counts:
            return self._trained == len(self)
        return self._taken == len(self) > LOOK

    def _state(self, steps: int) -> dict[str, Any]:
        """The state after some steps of the epoch that was begun last."""
        if steps == len(self):
            return {**self._began, "epoch": self._began["epoch"] + 1, "step": 0}
        return {**self._began, "step": self._began["step"] + steps}


def _turn_of(asked: FrameType | None) -> object:
    """Returns an object that belongs to the frame which called another: to one that asks for batches.

    That frame itself, if it were kept, would keep all that have called it, and so a model.
    """
    frame = None if asked is None else asked.f_back
    if frame is None or not frame.f_code.co_flags & inspect.CO_OPTIMIZED:
        return TURN  # the variables of a module are its user's
    variables: Any = frame.f_locals  # what is not a variable of the function stays there as long as the frame
    return variables.setdefault(TURN, object())


def _steps_of_keras(hook: FrameType | None, *, whole: int) -> int:
    """Returns how many steps Keras has trained in the epoch that ends; 0 if it was left.

    Args:
        hook: The frame of `on_epoch_end`. An adapter calls it for Keras' `EpochIterator`: its generator of steps at their end, and its `reset`.
        whole: Steps without `steps_per_epoch`.
    """
    adapter = None if hook is None else hook.f_back
    caller = None if adapter is None else adapter.f_back
    if caller is not None and caller.f_code.co_name == "reset":
        return 0
    epochs = None if caller is None else caller.f_locals.get("self")
    steps: int = getattr(epochs, "steps_per_epoch", None) or whole
    at_once: int = getattr(epochs, "steps_per_execution", 1)
    return -(-steps // at_once) * at_once


def _within(epoch: int, step: int, *, rest: int) -> str:
    if rest and step:
        return f"loader.keras(rest=True) is the rest of an epoch from step {rest} on, and the loader has been moved to epoch {epoch}, step {step}. Make it anew: fit(loader.keras(rest=True), initial_epoch={epoch}, epochs={epoch + 1})."
    if rest:
        return f"loader.keras(rest=True) is the rest of one epoch, and fit wants another. Train it by fit(..., initial_epoch={epoch - 1}, epochs={epoch}), and go on with fit(loader.keras(), initial_epoch={epoch}, ...)."
    return f"Keras gives each epoch of a fit as many steps, and the loader is within epoch {epoch}, at step {step}. Train the rest of it first: fit(loader.keras(rest=True), initial_epoch={epoch}, epochs={epoch + 1}). Then fit(loader.keras(), initial_epoch={epoch + 1}, ...)."
