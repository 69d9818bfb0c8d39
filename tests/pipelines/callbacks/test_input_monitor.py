"""What `InputMonitor` says about a `fit`, and about a loop of one's own, of steps and input of known lengths."""

import gc
import importlib.util
import itertools
import statistics
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from fitfeed.pipelines import Dataset, make_pipeline
from fitfeed.pipelines.callbacks import InputMonitor, ResumeTraining
from fitfeed.pipelines.callbacks.borrowed_attributes import BORROWERS
from fitfeed.pipelines.monitor.made_batches import at_work_since
from fitfeed.schemas.errors import UsageError
from tests.programs import run_program

STEP_S, INPUT_S = 0.02, 0.2

BATCH = 8


def slow(image: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Takes so long that two threads make a batch in `INPUT_S`; sleeping needs no CPU."""
    time.sleep(2 * INPUT_S / BATCH)
    return image


class TimedModel(keras.Model):
    """A model whose step takes `STEP_S`, and which knows when it began and ended."""

    def __init__(self, seconds: float = STEP_S) -> None:
        super().__init__()
        self._seconds, self._dense = seconds, keras.layers.Dense(3)
        self.moments: list[tuple[float, float]] = []

    def _sleep(self, images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        began = time.monotonic()
        time.sleep(self._seconds)
        self.moments.append((began, time.monotonic()))
        return images

    def call(self, images: Any) -> Any:
        slept = tf.numpy_function(self._sleep, [images], tf.float32)
        slept.set_shape(images.shape)
        return self._dense(keras.ops.mean(tf.stop_gradient(slept), axis=(1, 2)))


@pytest.fixture
def two_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fitfeed.pipelines.batches.writer_threads.available_cpus", lambda: 2)


def pipeline(dataset: Dataset, split: str = "train", **options: Any) -> Any:
    options = {"batch_size": BATCH, "image_size": (8, 8), "processes": 0, **options}
    return make_pipeline(dataset, split, **options)


def fit(train: Any, monitor: InputMonitor, *callbacks: Any, at_once: int = 1, **options: Any) -> TimedModel:
    model = TimedModel()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, steps_per_execution=at_once, jit_compile=False)
    options = {"epochs": 2, "verbose": 0, "shuffle": False, **options}
    model.fit(train, callbacks=[monitor, *callbacks], **options)
    return model


def true_waiting(moments: list[tuple[float, float]]) -> float:
    """Seconds in which the model did nothing, between its first step and its last."""
    return sum(began - ended for (_, ended), (began, _) in itertools.pairwise(moments))


@pytest.mark.slow
@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("at_once", [1, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_waiting_is_what_the_model_did_not_compute(flowers: Dataset, at_once: int, weighted: bool) -> None:
    """Also where Keras prefetches batches of its own (`class_weight`), and takes several for one call."""
    train = pipeline(flowers, augment=[slow], drop_remainder=True)
    monitor = InputMonitor()
    weights = flowers.class_weight if weighted else None
    waited: list[float] = []
    # Without the first step of each epoch, before which Keras does other things.
    note = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: waited.append(sum(step.waiting for step in monitor.steps[1:]))
    )
    model = fit(train, monitor, note, at_once=at_once, class_weight=weights, epochs=6)
    waiting = monitor.epochs[-1]
    steps = len(train)
    assert (waiting.steps, waiting.left_out, waiting.images) == (steps, 0, steps * BATCH)
    assert monitor.epochs[0].left_out == at_once
    # No single epoch says anything on a machine that has much else to do: what passes batches on runs earlier or later there.
    true = [true_waiting(model.moments[first : first + steps]) for first in range(steps, 6 * steps, steps)]
    shares = [ours / all_of_it for ours, all_of_it in zip(waited[1:], true, strict=True)]
    assert 0.3 < statistics.median(shares) < 1.3, shares
    assert waiting.computing / steps > STEP_S / 2
    assert monitor.lines[-1].startswith("input-bound: ")


@pytest.mark.slow
def test_input_that_is_in_time_is_not_waited_for(flowers: Dataset) -> None:
    monitor = InputMonitor()
    validation = pipeline(flowers, "validation")
    fit(pipeline(flowers).repeat(), monitor, validation_data=validation, steps_per_epoch=6, epochs=3)
    assert [epoch.steps for epoch in monitor.epochs] == [5, 6, 6]
    waiting = monitor.epochs[-1]
    assert waiting.waiting < 0.5 * waiting.computing


def test_the_line_of_an_epoch_follows_its_bar(
    thumbnails: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    monitor = InputMonitor()
    fit(pipeline(thumbnails), monitor, verbose=2)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "Epoch 1/2"
    assert printed[2:4] == [monitor.lines[0], "Epoch 2/2"]
    assert printed[-1] == monitor.lines[1]
    fit(pipeline(thumbnails), monitor)
    assert capsys.readouterr().out == ""
    assert len(monitor.lines) == 4


@pytest.mark.slow
def test_the_share_is_a_metric_and_the_course_is_written(thumbnails: Dataset, tmp_path: Path) -> None:
    from tensorflow.core.util import event_pb2

    monitor = InputMonitor(log_dir=tmp_path / "runs")
    model = fit(pipeline(thumbnails), monitor)
    assert model.history.history["input_waiting"] == [epoch.share for epoch in monitor.epochs]
    (file,) = (tmp_path / "runs").iterdir()
    records = list(tf.data.TFRecordDataset(str(file)).as_numpy_iterator())
    events = [event_pb2.Event.FromString(record) for record in records][1:]
    # The first step compiles, and has a number as Keras counts it.
    assert [event.step for event in events] == list(range(2, 2 * len(pipeline(thumbnails)) + 1))
    tags = {value.tag for value in events[0].summary.value}
    assert tags == {"input/waiting_ms", "input/computing_ms", "input/waiting_share"}
    with pytest.raises(UsageError, match="log_dir"):
        InputMonitor(log_dir="gs://bucket/runs")


@pytest.mark.slow
def test_where_tensorflow_takes_several_batches_they_must_be_those_of_a_pipeline(thumbnails: Dataset) -> None:
    cut = pipeline(thumbnails, drop_remainder=True).unbatch().batch(4, drop_remainder=True)
    one, several = InputMonitor(), InputMonitor()
    fit(cut, one, epochs=1)
    assert (one.epochs[0].steps, one.epochs[0].images) == (11, 44)
    model = fit(cut, several, at_once=2, epochs=1)
    assert several.epochs[0].steps == 0
    assert np.isnan(model.history.history["input_waiting"]).all()
    assert "no step was measured" in several.lines[0]


@pytest.mark.slow
def test_batches_of_all_replicas_are_one(thumbnails: Dataset) -> None:
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(3)])
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    monitor = InputMonitor()
    model.fit(pipeline(thumbnails), epochs=2, verbose=0, shuffle=False, callbacks=[monitor])
    assert [epoch.steps for epoch in monitor.epochs] == [5, 6]
    assert monitor.epochs[1].images == 48


def test_nothing_is_left_in_the_model_however_fit_ends(thumbnails: Dataset) -> None:
    class End(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch == 2:
                raise KeyboardInterrupt

    monitor = InputMonitor()
    model = TimedModel(0)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    with pytest.raises(KeyboardInterrupt):
        model.fit(pipeline(thumbnails), verbose=0, shuffle=False, callbacks=[monitor, End()])
    model.fit(pipeline(thumbnails), verbose=0, shuffle=False)
    assert not {"make_train_function", BORROWERS} & vars(model).keys()
    assert monitor.epochs == []
    assert getattr(model.train_function, "__self__", None) is not monitor


@pytest.mark.slow
@pytest.mark.parametrize("monitor_first", [True, False])
def test_it_works_beside_resume_training(thumbnails: Dataset, tmp_path: Path, monitor_first: bool) -> None:
    def train(epochs: int) -> InputMonitor:
        monitor, resume = InputMonitor(), ResumeTraining(tmp_path / "resume")
        callbacks = [monitor, resume] if monitor_first else [resume, monitor]
        model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(3)])
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        model.fit(pipeline(thumbnails), epochs=epochs, verbose=0, shuffle=False, callbacks=callbacks)
        assert not {"make_train_function", BORROWERS} & vars(model).keys()
        return monitor

    steps = len(pipeline(thumbnails))
    assert [epoch.steps + epoch.left_out for epoch in train(2).epochs] == [steps, steps]
    assert [epoch.steps + epoch.left_out for epoch in train(3).epochs] == [steps]


def batches(count: int) -> Iterator[np.ndarray[Any, Any]]:
    return iter(np.zeros((count, 4, 2)))


class FakeTime:
    """A clock for a loop, its input and a device. In the thread that waits for the device, it is when the device has computed."""

    def __init__(self, *, input_s: float, step_s: float) -> None:
        self._now, self._input_s, self._step_s, self._free = 100.0, input_s, step_s, 0.0
        self._there = threading.local()

    def __call__(self) -> float:
        now: float = getattr(self._there, "now", self._now)
        return now

    def batches(self, count: int) -> Iterator[np.ndarray[Any, Any]]:
        """Each takes `input_s` from when the one before it was taken."""
        made = self._now
        for batch in batches(count):
            made += self._input_s
            made = self._now = max(self._now, made)
            yield batch

    def compute(self) -> None:
        self._now += self._step_s

    def start(self) -> Callable[[], None]:
        """Begins a step on the device; returns what waits for it."""
        ends = self._free = max(self._free, self._now) + self._step_s

        def wait() -> None:
            self._there.now = ends

        return wait


def per_step(monitor: InputMonitor) -> tuple[float, float]:
    waiting = monitor.epochs[-1]
    return waiting.waiting / waiting.steps, waiting.computing / waiting.steps


def fake_monitor(fake: FakeTime) -> InputMonitor:
    monitor = InputMonitor()
    monitor._clock = fake
    return monitor


@pytest.mark.parametrize(("input_s", "step_s"), [(1.0, 3.0), (3.0, 1.0), (2.0, 2.0), (0.0, 1.0)])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_loop_of_ones_own_waits_for_what_nothing_hides(
    input_s: float, step_s: float, asynchronous: bool
) -> None:
    fake = FakeTime(input_s=input_s, step_s=step_s)
    monitor = fake_monitor(fake)
    for _ in monitor.watch(fake.batches(11)):
        if asynchronous:
            monitor.computed_when(fake.start())
        else:
            fake.compute()
    assert per_step(monitor) == pytest.approx((max(0.0, input_s - step_s), step_s))
    waiting = monitor.epochs[0]
    assert (waiting.steps, waiting.left_out, waiting.images) == (10, 1, 40)


def test_a_loop_that_breaks_off_counts_its_steps() -> None:
    monitor = InputMonitor()
    for number, _ in enumerate(monitor.watch(batches(5))):
        monitor.computed_when(lambda: None)
        if number == 2:
            break
    assert monitor.epochs[0].steps + monitor.epochs[0].left_out >= 2
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("fitfeed-monitor")]


def test_a_loop_may_number_its_batches(thumbnails: Dataset) -> None:
    monitor = InputMonitor()
    for number, (images, _) in monitor.watch(pipeline(thumbnails).enumerate()):
        assert len(images) == BATCH
        assert number < 6
    assert (monitor.epochs[0].steps, monitor.epochs[0].images) == (5, 5 * BATCH)


def test_input_of_no_known_size_is_only_timed(thumbnails: Dataset) -> None:
    monitor = InputMonitor()
    for _ in monitor.watch((number for number, _ in pipeline(thumbnails).enumerate())):
        pass
    assert monitor.epochs[0].images == 0
    assert monitor.lines[0].startswith("input-bound: ")


@pytest.mark.parametrize("at_once", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_a_monitor_that_is_kept_keeps_no_pipeline(thumbnails: Dataset, at_once: int) -> None:
    monitor, train = InputMonitor(), pipeline(thumbnails)
    began = time.monotonic()
    if at_once:
        fit(train, monitor, at_once=at_once)
    else:
        for _ in monitor.watch(train):
            pass
    assert monitor.epochs[0].steps
    gone = [weakref.ref(made.maker) for made in at_work_since(began) if made.maker is not None]
    assert len(gone) == 1
    del train
    keras.backend.clear_session()
    gc.collect()
    assert gone[0]() is None


def test_only_a_step_of_a_loop_has_results() -> None:
    monitor = InputMonitor()
    with pytest.raises(UsageError, match="outside of such a loop"):
        monitor.computed_when(lambda: None)
    for _ in monitor.watch(batches(2)):
        monitor.computed_when(lambda: None)
    with pytest.raises(UsageError, match="outside of such a loop"):
        monitor.computed_when(lambda: None)


def test_an_error_while_waiting_for_results_is_raised() -> None:
    def fail() -> None:
        raise RuntimeError("the device is gone")

    def loop() -> None:
        for _ in monitor.watch(batches(3)):
            monitor.computed_when(fail)

    monitor = InputMonitor()
    with pytest.raises(RuntimeError, match="the device is gone"):
        loop()


JAX_PROGRAM = """
import sys, time
import jax, keras, numpy as np
from fitfeed import InputMonitor, make_pipeline
assert keras.backend.backend() == "jax"
STEP_S = 0.02

class TimedModel(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense, self.moments = keras.layers.Dense(3), []
    def sleep(self, images):
        began = time.monotonic()
        time.sleep(STEP_S)
        self.moments.append((began, time.monotonic()))
        return np.asarray(images)
    def call(self, images):
        images = jax.lax.stop_gradient(images)
        slept = jax.pure_callback(self.sleep, jax.ShapeDtypeStruct(images.shape, images.dtype), images)
        return self.dense(keras.ops.mean(jax.lax.stop_gradient(slept), axis=(1, 2)))

def slow(image):
    time.sleep(float(sys.argv[2]))
    return image

train = make_pipeline(sys.argv[1], "train", batch_size=8, image_size=(8, 8), augment=[slow], processes=0, drop_remainder=True)
model = TimedModel()
model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), steps_per_execution=int(sys.argv[3]))
monitor = InputMonitor()
model.fit(train, epochs=3, verbose=0, shuffle=False, callbacks=[monitor])
steps = len(train)
moments = model.moments[-steps:]
true = sum(began - ended for (_, ended), (began, _) in zip(moments, moments[1:]))
last = monitor.epochs[-1]
print(last.steps, last.computing, sum(step.waiting for step in monitor.steps[1:]), true)
"""


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is not installed")
@pytest.mark.parametrize(("each_s", "at_once"), [(0.05, 1), (0.05, 3), (0.0, 1)])
def test_on_jax_steps_are_asynchronous(own_copy: Callable[[Any], Path], each_s: float, at_once: int) -> None:
    printed = run_program(JAX_PROGRAM, own_copy("tfrecord"), each_s, at_once, KERAS_BACKEND="jax")
    steps, computing, later, true = map(float, printed.split()[-4:])
    assert steps == 6
    assert computing / steps > STEP_S / 2
    # The model itself sees how long it has nothing to do, whatever else the machine does.
    assert (0.3 * true if each_s else 0) <= later < 1.3 * true + 0.01


@pytest.mark.slow
def test_a_loop_needs_neither_keras_nor_tensorflow() -> None:
    program = """
import sys
from fitfeed import InputMonitor
monitor = InputMonitor()
for batch in monitor.watch([(1, 2), (3, 4)]):
    pass
assert len(monitor.epochs) == 1
print({"keras", "tensorflow"} & set(sys.modules))
"""
    assert run_program(program).strip() == "set()"
