"""`InputMonitor`: says how long training waits for its input, and why."""

import os
import sys
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from typing_extensions import override

from fitfeed.pipelines.callbacks.borrowed_attributes import BorrowedAttributes
from fitfeed.pipelines.callbacks.plain_callback import Logs, PlainCallback
from fitfeed.pipelines.monitor.batch_cursor import BatchCursor
from fitfeed.pipelines.monitor.epoch_waiting import EpochWaiting, InputWaiting, RunningExecution
from fitfeed.pipelines.monitor.event_file import EventFile
from fitfeed.pipelines.monitor.late_input import FedPipeline, LateInput, late_input, look_at
from fitfeed.pipelines.monitor.made_batches import MadeBatches, at_work_since
from fitfeed.pipelines.monitor.step_seconds import StepSeconds
from fitfeed.pipelines.monitor.timed_iterator import TimedIterator
from fitfeed.pipelines.monitor.waiting_line import MIN_SHARE, waiting_line
from fitfeed.pipelines.stages.stage_clock import Clock
from fitfeed.pipelines.tf_data.pipelines_of_iterator import made_of
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.local_path import local_path

Batch = TypeVar("Batch")

WAITING = "input_waiting"
"""Name of the share among the metrics of an epoch, which Keras' `History`, `CSVLogger` and `TensorBoard` write."""

MAX_POINTS = 200
"""Points of an epoch in TensorBoard. Each is a mean of as many steps as it takes."""


class InputMonitor(PlainCallback):
    """Measures, in each step, how long training waits for its input and how long it computes.

    After each epoch there is one line: whether the input or the model limits, and what would end the waiting. `fit` prints it; a
    loop of your own finds it in `lines[-1]`. Steps that compile are left out, and so is validation. Waiting is what nothing hides:
    not the prefetching of batches, and, where steps are computed asynchronously, not the step before, which the device still
    computes.

    `fit` may read any dataset. With `steps_per_execution` on Keras' TensorFlow backend, it must be a pipeline of `make_pipeline`,
    mapped, prefetched or repeated if you like: TensorFlow then takes several batches in one call, and only the pipeline knows when
    each was there. In a loop of your own, take the batches through `watch`. Needs neither Keras nor TensorFlow by itself.

    Attributes:
        epochs: The sums of each epoch that has ended.
        lines: The line about each of them.

    Example:
        >>> model.fit(train, epochs=90, callbacks=[InputMonitor(log_dir="runs/flowers")])
    """

    # From `on_train_begin` and `on_epoch_begin` on, as the model is.
    _borrowed: BorrowedAttributes
    _function: Callable[..., Any]

    def __init__(self, *, log_dir: str | os.PathLike[str] | None = None) -> None:
        """Sets where the scalars go.

        Args:
            log_dir: A folder for TensorBoard's scalars: milliseconds of waiting and computing through each epoch. None: no
                file is written. The share of waiting is a metric of each epoch either way: `input_waiting`.

        Raises:
            UsageError: If `log_dir` is an address.
        """
        self.epochs: list[InputWaiting] = []
        self.lines: list[str] = []
        self._log_dir: Path | None = None if log_dir is None else local_path(log_dir, "log_dir").absolute()
        self._events: EventFile | None = None
        self._clock: Clock = time.monotonic  # as `MadeBatches` has
        self._pool: ThreadPoolExecutor | None = None
        # By weak references, as who keeps a monitor for its numbers must not keep threads and worker processes of a pipeline.
        self._source: Callable[[], MadeBatches | None] = _nothing
        self._iterator: Callable[[], Any] = _nothing
        self._cursor: BatchCursor | None = None
        self._fed: FedPipeline | None = None
        self._steps_before = self._step = 0
        self._seen: set[int] = set()
        self._running: RunningExecution | None = None
        self._is_asynchronous = self._unprinted = False
        self._begin_epoch()

    @property
    def steps(self) -> list[StepSeconds]:
        """Seconds of each measured step of the epoch under way, or of the last one."""
        return self._waiting.steps

    # In a loop of one's own.

    def watch(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Passes on the batches of one epoch, and measures the steps of the loop that takes them.

        When the loop has ended, `epochs[-1]` has its sums and `lines[-1]` its line. Nothing is printed.

        Args:
            batches: A pipeline, a loader, or anything else that gives batches. The line names the stage that is slow, and what
                would end the waiting, only if `make_pipeline` or `make_loader` makes them.

        Yields:
            The same batches.

        Example:
            >>> for images, labels in monitor.watch(train):
            ...     loss = train_step(images, labels)
            ...     monitor.computed_when(loss.block_until_ready)  # only where steps are asynchronous
        """
        self._begin_epoch()
        batch_iterator = iter(batches)
        try:
            while True:
                self._running = running = RunningExecution(self._clock())
                try:
                    batch = next(TimedIterator(batch_iterator, running, self._clock))
                except StopIteration:
                    return
                self._mark_compiling(running)
                self._find_source(running)
                self._waiting.add(running)
                self._is_asynchronous = False
                yield batch
                if not self._is_asynchronous:
                    running.computed = self._clock()
                self._settle()
        finally:
            self._end_epoch()

    def computed_when(self, wait: Callable[[], Any]) -> None:
        """Says how to wait for the results of this step, where the device computes them asynchronously.

        Without it, a step counts as computed when the loop asks for the next batch.

        Args:
            wait: Returns when the step is computed: `loss.block_until_ready` of JAX, `synchronize` of an event that PyTorch has
                recorded. It is called in another thread, so the loop goes on.

        Raises:
            UsageError: If there is no step: outside of a loop through `watch`.
        """
        if self._running is None:
            msg = "computed_when belongs into a loop through watch, after the step that it is about. Received: a call outside of such a loop. Write: for batch in monitor.watch(batches): loss = train_step(batch); monitor.computed_when(loss.block_until_ready)"
            raise UsageError(msg)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="fitfeed-monitor")
        self._is_asynchronous = True
        self._results.append(self._pool.submit(self._wait, wait, self._running))

    # In `fit`: Keras calls the following methods, in this order.

    @override
    def on_train_begin(self, logs: Logs = None) -> None:
        self._borrowed = BorrowedAttributes(self.model)
        self._unprinted = False
        self._seen = set()
        self._iterator = _nothing

    @override
    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._print()
        self._begin_epoch()
        if self.model.train_function != self._train:
            self._function = self.model.train_function
            self._borrowed.set("train_function", self._train, afterwards=self._function)

    @override
    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._step = batch

    def _train(self, *arguments: Any) -> Any:
        """Replaces `train_function`, of an iterator on TensorFlow, of a state and an iterator on other backends."""
        *state, iterator = arguments
        running = RunningExecution(self._clock())
        batches = TimedIterator(iterator, running, self._clock)
        if not hasattr(iterator, "element_spec"):  # the step takes its batches in Python
            result = self._function(*state, batches)
        elif self.model.steps_per_execution == 1:
            # TensorFlow would take the batch within its graph, where nobody sees when it was there. Keras takes it
            # from any iterator, as in `train_on_batch`: the same step, in the same time.
            result = self._function(iter([next(batches)]))
        else:  # in Python, several steps of a call would take longer
            result = self._function(iterator)
            self._follow(iterator, running)
        self._mark_compiling(running)
        self._find_source(running)
        self._waiting.add(running)
        self._executions[self._step] = running
        self._waiting.settle()
        return result

    @override
    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        # Keras has the results now: it has made numbers of `logs`. On JAX this is another thread.
        running = self._executions.pop(batch + 1 - self.model.steps_per_execution, None)
        if running is not None:  # steps that `ResumeTraining` counts through execute nothing
            running.computed = self._clock()

    @override
    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._end_epoch()
        self._unprinted = True
        if logs is not None:
            logs[WAITING] = self.epochs[-1].share

    @override
    def on_train_end(self, logs: Logs = None) -> None:
        self._print()
        self._borrowed.give_back()

    def _follow(self, iterator: Any, running: RunningExecution) -> None:
        """Records when the batches of an execution were there, from what the pipeline says."""
        if self._iterator() is not iterator:
            found = made_of(iterator)
            self._cursor = None
            if found is not None:
                self._cursor = BatchCursor(found[0], since=running.asked, later=found[1])
            self._iterator = weakref.ref(iterator)
        if self._cursor is None:
            return
        at_once, steps = self.model.steps_per_execution, self.params.get("steps")
        count = at_once if steps is None else min(at_once, steps - self._step)
        for batch in self._cursor.take(count):
            running.ready.append(batch.ready)
            running.examples.append(batch.examples)

    def _print(self) -> None:
        """Prints the line of the epoch that has ended, after Keras has finished its own."""
        if self._unprinted and self.params.get("verbose"):
            sys.stdout.write(f"{self.lines[-1]}\n")
        self._unprinted = False

    # Both.

    def _begin_epoch(self) -> None:
        self._waiting = EpochWaiting()
        self._executions: dict[int, RunningExecution] = {}
        self._pool = None
        self._has_source = False
        self._results: deque[Future[None]] = deque()

    def _end_epoch(self) -> None:
        self._running = None
        if self._pool is not None:
            self._pool.shutdown()
        self._settle()
        waiting = self._waiting.result()
        self.epochs.append(waiting)
        self.lines.append(waiting_line(waiting, self._late_input(waiting)))
        self._write_events()
        self._steps_before += waiting.steps + waiting.left_out

    def _settle(self) -> None:
        """Adds up what is known, and raises what went wrong while results were waited for."""
        while self._results and self._results[0].done():
            self._results.popleft().result()
        self._waiting.settle()

    def _wait(self, wait: Callable[[], Any], running: RunningExecution) -> None:
        wait()
        running.computed = self._clock()

    def _mark_compiling(self, running: RunningExecution) -> None:
        """Batches of a new size are compiled for."""
        running.compiles = not self._seen.issuperset(running.examples)
        self._seen.update(running.examples)

    def _find_source(self, running: RunningExecution) -> None:
        """Finds the pipeline that makes the batches: the only one at work while they are asked for."""
        if not self._has_source:
            found = at_work_since(running.asked)
            if len(found) == 1:
                self._has_source = True
                if found[0] is not self._source():
                    self._source, self._fed = weakref.ref(found[0]), None

    def _late_input(self, waiting: InputWaiting) -> LateInput | None:
        """Says why input was late, if it was. The stages of a pipeline are measured once, while it is at rest."""
        source = self._source()
        maker = None if source is None else source.maker
        # What is read ahead comes in order, which a measurement would disturb.
        if maker is None or maker.is_read_ahead or waiting.need is None or waiting.share < MIN_SHARE:
            return None
        if self._fed is None:
            try:
                self._fed = look_at(maker)
            except Exception:  # noqa: BLE001  a training that goes on does not end because it is measured
                return None
        return late_input(waiting, self._fed)

    def _write_events(self) -> None:
        points = self._waiting.series(MAX_POINTS)
        if self._log_dir is None or not points:
            return
        if self._events is None:
            self._events = EventFile(self._log_dir)
        self._events.write_all(
            [
                (
                    self._steps_before + step,
                    {
                        "input/waiting_ms": 1e3 * mean.waiting,
                        "input/computing_ms": 1e3 * mean.computing,
                        "input/waiting_share": mean.share,
                    },
                )
                for step, mean in points
            ]
        )


def _nothing() -> None:
    """Stands for a weak reference to what is gone, or was never there."""
