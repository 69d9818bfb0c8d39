"""`ResumeTraining`: a training that was killed continues at the step that it had reached."""

import logging
import os
import time
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.callbacks.batch_spec import spec_from_json, spec_to_json
from fitfeed.pipelines.callbacks.borrowed_attributes import BorrowedAttributes
from fitfeed.pipelines.callbacks.checkpoint import (
    Checkpoint,
    TrainingProgress,
    read_checkpoint,
    write_checkpoint,
)
from fitfeed.pipelines.order.epoch_counter import EpochCounter
from fitfeed.pipelines.tf_data.pipelines_of_iterator import counters_of
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.local_path import local_path
from fitfeed.schemas.text import printable

LOG = logging.getLogger("fitfeed.training")

FILE_NAME = "resume.npz"

TRAINED_IN = "_fitfeed_trained_in"
"""Attribute of a model that a `fit` with `ResumeTraining` has trained to its end: the folder."""

ONE_PIPELINE = "ResumeTraining expects fit to read one pipeline of make_pipeline (mapped, if you like, but not cached). Received: {}."


class ResumeTraining(keras.callbacks.Callback):
    """Saves the state of a training, and restores it when the same script is started again.

    It saves the variables of the model (with the state of its random generators), the optimizer and the
    metrics, and epoch and step. So a training that is killed and started again gets exactly the batches
    that it would have got, and on deterministic hardware ends with the same weights. Batches before the
    step are not read again, as the order is arithmetic. `fit` counts through them in an instant, without
    training on them. Other callbacks see these steps, with the saved metrics.

    `fit`'s epoch numbers become the pipeline's: epoch 3 of `fit` always has the order of epoch 3.
    A training that has done all its epochs returns at once. Give `fit` more `epochs` to continue.

    The number of workers may change between runs as long as batch_size times workers stays the same
    (`access="indexed"`). Workers share one folder: worker 0 writes it, and all read it.

    It does not save the states of other callbacks, nor random generators outside the model.

    Attributes:
        path: The folder of the saved state.

    Example:
        >>> model.fit(train, epochs=90, callbacks=[ResumeTraining("runs/flowers")])
    """

    def __init__(
        self, path: str | os.PathLike[str], *, every_steps: int | None = None, every_seconds: float = 300.0
    ) -> None:
        """Sets where and how often the state is saved.

        Args:
            path: A folder, which is made if it does not exist.
            every_steps: Save after this many steps. None: by time.
            every_seconds: Save this many seconds after the last time. The end of each epoch is always
                saved.

        Raises:
            UsageError: If an argument is wrong.
        """
        super().__init__()
        if every_steps is not None and every_steps < 1:
            msg = f"every_steps expects a positive number of steps, or None. Received: every_steps={every_steps}"
            raise UsageError(msg)
        if not every_seconds >= 0:
            msg = f"every_seconds expects seconds, 0 or more. Received: every_seconds={every_seconds}"
            raise UsageError(msg)
        if keras.backend.backend() != "tensorflow":
            msg = f"ResumeTraining works with Keras on TensorFlow. Received: backend {keras.backend.backend()!r}."
            raise UsageError(msg)
        # Absolute, as the script may change its folder before it trains.
        self.path = local_path(path, "ResumeTraining's folder").absolute()
        if self.path.exists() and not self.path.is_dir():
            msg = f"ResumeTraining keeps its state in a folder. Received: path={str(self.path)!r}, which is a file."
            raise UsageError(msg)
        self._every_steps, self._every_seconds = every_steps, every_seconds

    # Keras calls the following methods, in this order.

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Restores the state that an earlier run has saved."""
        self._borrowed = BorrowedAttributes(self.model)
        self._pipeline: EpochCounter | None = None
        self._checkpoint = read_checkpoint(self.path / FILE_NAME)
        self._saved_at = time.monotonic()
        self._step = self._saved_step = 0
        self._epoch: int | None = None
        if self._checkpoint is None:
            self.path.mkdir(parents=True, exist_ok=True)
            return
        progress, epochs, place = self._checkpoint.progress, self.params["epochs"], printable(str(self.path))
        if progress.epoch >= epochs:
            self._check_not_again(epochs)
            LOG.warning("All %d epochs are done already, says %s.", epochs, place)
        else:
            LOG.info("Continuing at epoch %d, step %d, from %s.", progress.epoch, progress.step, place)
        self._build(progress.batch)
        self._restore(self._checkpoint)
        # `fit` reads it when all callbacks have begun, as from Keras' own BackupAndRestore.
        self._borrowed.set("_initial_epoch", progress.epoch, afterwards=None)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Finds the step that this epoch begins at."""
        self._borrowed.give_back()
        self._first, self._has_begun = 0, False
        if self._checkpoint is not None:
            saved = self._checkpoint.progress
            if self._epoch is None and epoch != saved.epoch:
                msg = f"the training in {self.path} stopped in epoch {saved.epoch}. Received: a fit that begins at epoch {epoch}. Leave out initial_epoch, and callbacks that set it (BackupAndRestore): ResumeTraining does."
                raise UsageError(msg)
            if epoch == saved.epoch:
                self._first = saved.step
                self._restore(self._checkpoint)  # again, as `fit` has reset the metrics since
        self._epoch = epoch
        self._saved_step = self._first

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Records the step. The next call of `train_function` is ours, until the epoch has begun."""
        self._step = batch
        if not self._has_begun:
            self._borrowed.set("train_function", self._begin, afterwards=self.model.train_function)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Saves the state, if it is time."""
        if self._step < self._first:
            return
        if not self._has_begun:
            msg = "ResumeTraining sets where an epoch begins, and another callback has trained the model first, in on_train_batch_begin. Put ResumeTraining last in callbacks."
            raise UsageError(msg)
        done, steps = batch + 1, self.params["steps"]
        if self._every_steps is not None:
            due = done - self._saved_step >= self._every_steps
        else:
            due = time.monotonic() - self._saved_at >= self._every_seconds
        if due and done < steps:  # the last step is saved by `on_epoch_end`, after validation
            assert self._epoch is not None  # noqa: S101  as an epoch has begun
            self._save(self._epoch, done, logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Saves the state at the end of an epoch."""
        done = self._step + self.model.steps_per_execution
        if done >= self.params["steps"]:
            self._save(epoch + 1, 0, None)
        else:  # `stop_training` was set
            self._save(epoch, done, logs)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Leaves nothing that the next `fit` would find, but that this one has ended."""
        self._borrowed.give_back()
        setattr(self.model, TRAINED_IN, self._place)

    def _begin(self, iterator: Any) -> Any:
        """Stands for `train_function`: counts through the finished steps, and takes the first one that is not."""
        self._borrowed.give_back()
        if self._step < self._first:
            assert self._checkpoint is not None  # noqa: S101  as some steps are done
            return self._checkpoint.progress.logs
        self._has_begun = True
        self._pipeline = self._only_pipeline(iterator)
        self._batch_spec = spec_to_json(iterator.element_spec)
        assert self._epoch is not None  # noqa: S101  as an epoch has begun
        position = (self._epoch, self._first)
        logs, opened = self._pipeline.run_from(position, self.model.train_function, iterator)
        if not opened:
            raise UsageError(ONE_PIPELINE.format("batches of an earlier epoch"))
        return logs

    def _only_pipeline(self, iterator: Any) -> EpochCounter:
        """Returns the pipeline that `fit` reads; checks that it is the one that was interrupted."""
        pipelines = counters_of(iterator)
        if len(pipelines) != 1:
            raise UsageError(ONE_PIPELINE.format(len(pipelines)))
        (pipeline,) = pipelines
        if self.params["steps"] != pipeline.steps:
            msg = f"ResumeTraining expects each epoch of fit to be one of the pipeline's, of {pipeline.steps} steps. Received: {self.params['steps']} steps. Leave out steps_per_epoch, take and repeat."
            raise UsageError(msg)
        if self._checkpoint is not None:
            changed = pipeline.differences(self._checkpoint.progress.pipeline)
            if changed is not None:
                msg = f"the training in {self.path} began with another pipeline, so it cannot go on with the same batches. Then: {changed[0]}. Received: {changed[1]}. Use the same, or another path."
                raise UsageError(msg)
        return pipeline

    @property
    def _place(self) -> str:
        return str(self.path.resolve())

    def _check_not_again(self, epochs: int) -> None:
        """Refuses a `fit` that would train nothing in a process that has trained: most likely a loop of fits.

        A script that is started again has a new model. It returns at once, as its training is done.
        """
        if getattr(self.model, TRAINED_IN, None) == self._place:
            msg = (
                f"this model has done all epochs that fit asks for, in an earlier fit with ResumeTraining({str(self.path)!r}). "
                f"Received: epochs={epochs}. fit counts epochs from the beginning of the training: pass a larger number, "
                f"or in a loop fit(..., initial_epoch=i, epochs=i + 1)."
            )
            raise UsageError(msg)

    def _build(self, batch_spec: Any) -> None:
        """Makes the variables that Keras would make in the first step, so that they can be restored before."""
        if batch_spec is not None:
            self.model._symbolic_build(data_batch=spec_from_json(batch_spec))  # noqa: SLF001
        elif not self.model.built:
            msg = "ResumeTraining needs the model's variables to restore them. Build the model before fit: model.build((None, height, width, channels))."
            raise UsageError(msg)

    def _variables(self) -> list[Any]:
        """Returns every variable of the training once, in the order in which building the model makes them."""
        model = self.model
        every = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
        return list({id(variable): variable for variable in every}.values())

    def _restore(self, checkpoint: Checkpoint) -> None:
        step, at_once = checkpoint.progress.step, self.model.steps_per_execution
        if step % at_once:
            msg = f"the training in {self.path} stopped at step {step}, within one execution. Received: steps_per_execution={at_once}. Compile the model with the number that it had."
            raise UsageError(msg)
        variables = self._variables()
        expected = [_description(variable.path, variable.shape, variable.dtype) for variable in variables]
        found = [
            _description(name, value.shape, value.dtype.name)
            for name, value in zip(checkpoint.names, checkpoint.values, strict=True)
        ]
        if _without_names(found) != _without_names(expected):
            differing = next(
                (f"{a} then, {b} now" for a, b in zip(found, expected, strict=False) if a[1:] != b[1:]),
                f"{len(found)} variables then, {len(expected)} now",
            )
            msg = f"the training in {self.path} has another model or optimizer: {differing}. Use the same, or another path."
            raise UsageError(msg)
        for variable, value in zip(variables, checkpoint.values, strict=True):
            variable.assign(value)

    def _save(self, epoch: int, step: int, logs: dict[str, Any] | None) -> None:
        self._saved_at, self._saved_step = time.monotonic(), step
        assert self._pipeline is not None  # noqa: S101  as there has been a step
        if not self._pipeline.is_chief:
            return
        variables = self._variables()
        progress = TrainingProgress(
            epoch=epoch,
            step=step,
            steps=self._pipeline.steps,
            pipeline=self._pipeline.identity,
            batch=self._batch_spec,
            logs={name: float(value) for name, value in (logs or {}).items()},
        )
        values = [_as_array(variable) for variable in variables]
        write_checkpoint(self.path / FILE_NAME, progress, [variable.path for variable in variables], values)


def _as_array(variable: Any) -> npt.NDArray[Any]:
    return np.asarray(variable.value.numpy())


Description = tuple[str, tuple[int, ...], str]


def _description(name: str, shape: Any, dtype: str) -> Description:
    return name, tuple(shape), dtype


def _without_names(descriptions: list[Description]) -> list[tuple[tuple[int, ...], str]]:
    """Leaves out names: they are counted within a process (`dense`, `dense_1`), so another run has others."""
    return [(shape, dtype) for _, shape, dtype in descriptions]
