"""Trainings that are killed and started again, under Keras."""

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import numpy.typing as npt
import pytest

from fitfeed.pipelines import Dataset, RandomFlip, RandomResizedCrop, make_pipeline
from fitfeed.pipelines.callbacks import ResumeTraining
from fitfeed.pipelines.callbacks.checkpoint import read_checkpoint
from fitfeed.schemas.errors import DamagedDatasetError, UsageError
from tests.programs import run_program

STEPS = 6
EPOCHS = 3


class Killed(Exception):  # noqa: N818
    """Stands for the end of the process."""


class KillAt(keras.callbacks.Callback):
    """Ends a training after a step that counts all that were trained."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self._left = step

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._left -= 1
        if self._left == 0:
            raise Killed


class Logs(keras.callbacks.Callback):
    """Keeps the metrics of each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.epochs: dict[int, dict[str, float]] = {}

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.epochs[epoch] = dict(logs)


def new_model(*, units: int = 3, at_once: int = 1) -> keras.Model:
    keras.utils.set_random_seed(5)
    model = keras.Sequential(
        [keras.layers.Flatten(), keras.layers.Dropout(0.5, seed=9), keras.layers.Dense(units)]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"], steps_per_execution=at_once)
    return model


def new_pipeline(dataset: Dataset, **options: Any) -> Any:
    defaults = {
        "batch_size": 8,
        "image_size": (16, 16),
        "augment": [RandomResizedCrop(), RandomFlip()],
        "seed": 3,
    }
    return make_pipeline(dataset, "train", **{**defaults, **options})


def fit(
    dataset: Dataset,
    callbacks: list[Any],
    model: keras.Model | None = None,
    *,
    validate: bool = False,
    **options: Any,
) -> keras.Model:
    model = model or new_model()
    model.fit(
        new_pipeline(dataset, **options),
        validation_data=make_pipeline(dataset, "validation", batch_size=8, image_size=(16, 16))
        if validate
        else None,
        epochs=EPOCHS,
        verbose=0,
        shuffle=False,
        callbacks=callbacks,
    )
    return model


def weights(model: keras.Model) -> list[npt.NDArray[Any]]:
    return [
        np.asarray(value) for value in [*model.get_weights(), *map(np.asarray, model.optimizer.variables)]
    ]


def assert_same(one: keras.Model, other: keras.Model) -> None:
    for a, b in zip(weights(one), weights(other), strict=True):
        np.testing.assert_array_equal(a, b)


class Training(NamedTuple):
    """A training that has ended."""

    run: Path
    model: keras.Model
    logs: Logs


@pytest.fixture(scope="module")
def uninterrupted(flowers: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Training:
    run, logs = tmp_path_factory.mktemp("whole"), Logs()
    return Training(run, fit(flowers, [ResumeTraining(run), logs], validate=True), logs)


@pytest.fixture(scope="module")
def killed_once(flowers: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("killed")
    with pytest.raises(Killed):
        fit(flowers, [ResumeTraining(run, every_steps=1), KillAt(3)])
    return run


@pytest.fixture
def killed(killed_once: Path, tmp_path: Path) -> Path:
    """What a training left that was killed after its third step; a copy, to go on from."""
    return shutil.copytree(killed_once, tmp_path / "killed")


@pytest.mark.slow
@pytest.mark.parametrize(
    "kills",
    [
        [8, 5],
        [1],
        [6],
        [4, 4, 4, 3],
    ],
)
def test_a_killed_training_ends_as_if_it_had_not_been(
    flowers: Dataset, tmp_path: Path, uninterrupted: Training, kills: list[int]
) -> None:
    for steps in kills:
        with pytest.raises(Killed):
            fit(flowers, [ResumeTraining(tmp_path / "run", every_steps=1), KillAt(steps)], validate=True)
    logs = Logs()
    resumed = fit(flowers, [ResumeTraining(tmp_path / "run", every_steps=1), logs], validate=True)
    assert_same(resumed, uninterrupted.model)
    for epoch, metrics in logs.epochs.items():
        assert metrics == uninterrupted.logs.epochs[epoch]  # also of the epoch that was interrupted


@pytest.mark.slow
def test_without_the_callback_weights_are_the_same(flowers: Dataset, uninterrupted: Training) -> None:
    assert_same(fit(flowers, []), uninterrupted.model)


@pytest.mark.slow
def test_several_steps_at_once(flowers: Dataset, tmp_path: Path) -> None:
    whole = fit(flowers, [], new_model(at_once=2))
    with pytest.raises(Killed):
        fit(flowers, [ResumeTraining(tmp_path, every_steps=1), KillAt(5)], new_model(at_once=2))
    checkpoint = read_checkpoint(tmp_path / "resume.npz")
    assert checkpoint is not None
    assert (checkpoint.progress.epoch, checkpoint.progress.step) == (1, 4)
    assert_same(fit(flowers, [ResumeTraining(tmp_path)], new_model(at_once=2)), whole)


@pytest.mark.slow
def test_saves_as_often_as_it_is_told(flowers: Dataset, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        fit(flowers, [ResumeTraining(tmp_path, every_steps=4), KillAt(6)])
    checkpoint = read_checkpoint(tmp_path / "resume.npz")
    assert checkpoint is not None
    assert (checkpoint.progress.epoch, checkpoint.progress.step) == (0, 4)
    with pytest.raises(Killed):
        fit(flowers, [ResumeTraining(tmp_path / "slow"), KillAt(5)])
    assert read_checkpoint(tmp_path / "slow" / "resume.npz") is None
    with pytest.raises(Killed):
        fit(flowers, [ResumeTraining(tmp_path / "quick", every_seconds=0), KillAt(5)])
    checkpoint = read_checkpoint(tmp_path / "quick" / "resume.npz")
    assert checkpoint is not None
    assert checkpoint.progress.step == 5


@pytest.mark.slow
def test_a_finished_training_returns_at_once_and_goes_on_with_more_epochs(
    flowers: Dataset, uninterrupted: Training, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run, logs = shutil.copytree(uninterrupted.run, tmp_path / "run"), Logs()
    again = fit(flowers, [ResumeTraining(run), logs])
    assert_same(again, uninterrupted.model)
    assert logs.epochs == {}
    assert "All 3 epochs are done already" in caplog.text
    more = new_model()
    more.fit(
        new_pipeline(flowers),
        epochs=EPOCHS + 1,
        verbose=0,
        shuffle=False,
        callbacks=[ResumeTraining(run), logs],
    )
    assert list(logs.epochs) == [EPOCHS]


@pytest.mark.slow
def test_workers_may_change_as_long_as_the_global_batch_stays(flowers: Dataset, killed: Path) -> None:
    checkpoint = read_checkpoint(killed / "resume.npz")
    fit(flowers, [ResumeTraining(killed)], batch_size=4, shard=(1, 2))
    unchanged = read_checkpoint(killed / "resume.npz")  # only worker 0 writes
    assert checkpoint is not None
    assert unchanged is not None
    assert unchanged.progress == checkpoint.progress
    with pytest.raises(UsageError, match=r"Then: global_batch=8\. Received: global_batch=4"):
        fit(flowers, [ResumeTraining(killed)], batch_size=4)
    with pytest.raises(Killed):
        fit(flowers, [ResumeTraining(killed), KillAt(3 + STEPS)], batch_size=4, shard=(0, 2))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "named"), [({"seed": 4}, "seed=4"), ({"balance": "class"}, "balance='class'")]
)
def test_another_pipeline_is_refused(
    flowers: Dataset, killed: Path, options: dict[str, Any], named: str
) -> None:
    with pytest.raises(UsageError, match=named):
        fit(flowers, [ResumeTraining(killed)], **options)


def test_another_model_is_refused(flowers: Dataset, killed: Path) -> None:
    with pytest.raises(UsageError, match=r"another model or optimizer"):
        fit(flowers, [ResumeTraining(killed)], new_model(units=4))
    with pytest.raises(UsageError, match=r"steps_per_execution=2"):
        fit(flowers, [ResumeTraining(killed)], new_model(at_once=2))


def test_what_fit_may_not_do_to_the_pipeline(flowers: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"of 6 steps\. Received: 4 steps"):
        new_model().fit(
            new_pipeline(flowers),
            steps_per_epoch=4,
            epochs=2,
            verbose=0,
            callbacks=[ResumeTraining(tmp_path)],
        )
    with pytest.raises(UsageError, match=r"one pipeline of make_pipeline"):
        new_model().fit(
            np.zeros((8, 16, 16, 3)), np.zeros(8), verbose=0, callbacks=[ResumeTraining(tmp_path)]
        )


def test_wrong_arguments(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"every_steps=0"):
        ResumeTraining(tmp_path, every_steps=0)
    with pytest.raises(UsageError, match=r"every_seconds=-1"):
        ResumeTraining(tmp_path, every_seconds=-1)
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"which is a file"):
        ResumeTraining(tmp_path / "file")


def test_a_damaged_state_is_refused(flowers: Dataset, killed: Path) -> None:
    path = killed / "resume.npz"
    whole = path.read_bytes()
    for broken in (whole[: len(whole) // 2], whole[:300] + bytes([whole[300] ^ 1]) + whole[301:], b""):
        path.write_bytes(broken)
        with pytest.raises(DamagedDatasetError, match=r"is damaged"):
            fit(flowers, [ResumeTraining(killed)])


SCRIPT = """
import json, sys
import keras, tensorflow as tf
tf.config.experimental.enable_op_determinism()
keras.utils.set_random_seed(1)
from fitfeed.pipelines import RandomFlip, RandomResizedCrop, make_pipeline
from fitfeed.pipelines.callbacks import ResumeTraining

data, run = sys.argv[1:]



model = keras.Sequential([
    keras.layers.Conv2D(4, 3), keras.layers.BatchNormalization(), keras.layers.GlobalAveragePooling2D(),
    keras.layers.Dropout(0.3), keras.layers.Dense(3)])
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
train = make_pipeline(data, "train", batch_size=4, image_size=(16, 16), seed=3,
                      augment=[RandomResizedCrop(), RandomFlip()])
class Tell(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        print("step", flush=True)
model.fit(train, epochs=4, verbose=0, shuffle=False, callbacks=[ResumeTraining(run, every_steps=1), Tell()])
print(json.dumps([w.tobytes().hex() for w in model.get_weights()]))
"""


@pytest.mark.slow
def test_a_process_killed_at_random_moments(flowers: Dataset, tmp_path: Path) -> None:
    """SIGKILL, wherever it hits, also in the middle of writing the state."""
    moments = random.Random(7)
    interrupted = [sys.executable, "-c", SCRIPT, str(flowers.path), str(tmp_path / "run")]
    for _ in range(2):
        with subprocess.Popen(interrupted, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            for _ in range(moments.randint(3, 20)):
                assert process.stdout.readline() == b"step\n", process.stderr and process.stderr.read()
            time.sleep(moments.uniform(0, 0.02))
            process.send_signal(signal.SIGKILL)
    ends = [
        subprocess.run(
            [*interrupted[:-1], str(tmp_path / name)], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        for name in ("run", "whole")
    ]
    assert json.loads(ends[0][-1]) == json.loads(ends[1][-1])
    assert len(ends[1]) == 4 * 13 + 1


STRATEGY = """
import sys
import keras, numpy as np, tensorflow as tf
from fitfeed.pipelines import make_pipeline
from fitfeed.pipelines.callbacks import ResumeTraining
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
data, folder = sys.argv[1:]

class Kill(keras.callbacks.Callback):
    left = 9

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt

def train(run, *callbacks):
    keras.utils.set_random_seed(1)
    with strategy.scope():
        model = keras.Sequential(
            [keras.layers.Flatten(), keras.layers.Dropout(0.2, seed=3), keras.layers.Dense(3)])
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    pipeline = make_pipeline(data, "train", batch_size=8, image_size=(24, 24))
    resume = ResumeTraining(folder + run, every_steps=1)
    model.fit(pipeline, epochs=3, verbose=0, shuffle=False, callbacks=[resume, *callbacks])
    return model.get_weights()

whole = train("/whole")
try:
    train("/killed", Kill())
except KeyboardInterrupt:
    print("killed")
for one, other in zip(whole, train("/killed"), strict=True):
    np.testing.assert_array_equal(one, other)
print("done")
"""


@pytest.mark.slow
def test_several_replicas(flowers: Dataset, tmp_path: Path) -> None:
    assert run_program(STRATEGY, flowers.path, tmp_path) == "killed\ndone\n"
