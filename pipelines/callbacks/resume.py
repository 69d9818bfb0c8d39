"""`ResumeTraining`: a training that was killed continues at the step that it had reached."""

import logging
import os
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from fitfeed.pipelines.callbacks.batch_spec import spec_from_json, spec_to_json
from fitfeed.pipelines.callbacks.checkpoint import (
    Checkpoint,
    TrainingProgress,
    read_checkpoint,
    write_checkpoint,
)
from fitfeed.pipelines.order.epoch_counter import EpochCounter, EpochOverride, set_override
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.text import printable

LOG = logging.getLogger("fitfeed.training")

FILE_NAME = "resume.npz"


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
        self.path = Path(path)
        if self.path.exists() and not self.path.is_dir():
            msg = f"ResumeTraining keeps its state in a folder. Received: path={str(self.path)!r}, which is a file."
            raise UsageError(msg)
        self._every_steps, self._every_seconds = every_steps, every_seconds

    # Keras calls the following methods, in this order.

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Restores the state that an earlier run has saved."""
        self._pipeline: EpochCounter | None = None
        self._checkpoint = read_checkpoint(self.path / FILE_NAME)
        self._saved_at = time.monotonic()
        self._step = self._saved_step = 0
        if self._checkpoint is None:
            self.path.mkdir(parents=True, exist_ok=True)
            return
        progress = self._checkpoint.progress
        self._build(progress.batch)
        self._restore(self._checkpoint)
        self.model._initial_epoch = progress.epoch  # noqa: SLF001  as Keras' own BackupAndRestore does
        place = printable(str(self.path))
        if progress.epoch >= self.params["epochs"]:
            LOG.warning("All %d epochs are done already, says %s.", self.params["epochs"], place)
        else:
            LOG.info("Continuing at epoch %d, step %d, from %s.", progress.epoch, progress.step, place)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Lets the iteration that `fit` opens next begin at this epoch, and at the step that was reached."""
        self._epoch = epoch
        self._first = 0
        if self._checkpoint is not None and self._checkpoint.progress.epoch == epoch:
            self._first = self._checkpoint.progress.step
            self._restore(self._checkpoint)  # again, as `fit` has reset the metrics since
        self._saved_step = self._first
        self._override: EpochOverride | None = EpochOverride((epoch, self._first))
        set_override(self._override)
        self._wrap_first_step()

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Records the step."""
        self._step = batch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Saves the state, if it is time."""
        if self._step < self._first:
            return
        if self._override is not None:
            self._pipeline = self._only_pipeline(self._override)
            self._override = None
        done, steps = batch + 1, self.params["steps"]
        if self._every_steps is not None:
            due = done - self._saved_step >= self._every_steps
        else:
            due = time.monotonic() - self._saved_at >= self._every_seconds
        if due and done < steps:  # the last step is saved by `on_epoch_end`, after validation
            self._save(self._epoch, done, logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Saves the state at the end of an epoch."""
        done = self._step + self.model.steps_per_execution
        if done >= self.params["steps"]:
            self._save(epoch + 1, 0, None)
        else:  # `stop_training` was set
            self._save(epoch, done, logs)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Resets what the next `fit` must not find."""
        set_override(None)
        self.model._initial_epoch = None  # noqa: SLF001

    def _wrap_first_step(self) -> None:
        """Lets `fit` count through the finished steps, and ends the override when a batch has been read."""
        model, train = self.model, self.model.train_function

        def first_step(iterator: Any) -> Any:
            if self._step < self._first:
                assert self._checkpoint is not None  # noqa: S101  as some steps are done
                return self._checkpoint.progress.logs
            model.train_function = train
            self._batch_spec = spec_to_json(iterator.element_spec)
            try:
                return train(iterator)
            finally:
                set_override(None)

        model.train_function = first_step

    def _only_pipeline(self, override: EpochOverride) -> EpochCounter:
        """Returns the pipeline that `fit` reads; checks that it is the one that was interrupted."""
        pipelines = list({id(epochs): epochs for epochs in override.opened}.values())
        if len(pipelines) != 1:
            msg = f"ResumeTraining expects fit to read one pipeline of make_pipeline (mapped, if you like, but not cached). Received: {len(pipelines)}."
            raise UsageError(msg)
        (pipeline,) = pipelines
        if self.params["steps"] != pipeline.steps:
            msg = f"ResumeTraining expects each epoch of fit to be one of the pipeline's, of {pipeline.steps} steps. Received: {self.params['steps']} steps. Leave out steps_per_epoch, take and repeat."
            raise UsageError(msg)
        if self._checkpoint is not None:
            before, now = self._checkpoint.progress.pipeline, pipeline.identity
            changed = [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]
            if changed:
                was = ", ".join(f"{name}={before.get(name)!r}" for name in changed)
                received = ", ".join(f"{name}={now.get(name)!r}" for name in changed)
                msg = f"the training in {self.path} began with another pipeline, so it cannot go on with the same batches. Then: {was}. Received: {received}. Use the same, or another path."
                raise UsageError(msg)
        return pipeline

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
