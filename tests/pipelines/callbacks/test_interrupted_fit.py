"""Whatever ends a `fit` with `ResumeTraining`, and wherever: nothing of it is left, and it can go on."""

import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest

from fitfeed.pipelines import Dataset, make_pipeline
from fitfeed.pipelines.callbacks import ResumeTraining, borrowed_attributes, resume
from fitfeed.pipelines.order import epoch_counter
from fitfeed.schemas.errors import UsageError

STEPS, EPOCHS = 6, 2
COUNTS = {
    "train_begin": [1],
    "epoch_begin": [1, 2],
    "train_batch_begin": [1, 4, 9],
    "train_batch_end": [1, 4, 9],
    "epoch_end": [1, 2],
    "train_end": [1],
}
"""Method of a callback to its calls that are interrupted."""

KINDS = [KeyboardInterrupt, SystemExit, RuntimeError]
OURS = {module.__file__ for module in (borrowed_attributes, epoch_counter, resume)}
RANDOM = random.Random(1)


class EndAt(keras.callbacks.Callback):
    """Raises an error when a method is called for the n-th time."""

    def __init__(self, hook: str, count: int, kind: type[BaseException]) -> None:
        super().__init__()
        self._left = count

        def end(*_: Any, logs: Any = None) -> None:
            self._left -= 1
            if not self._left:
                raise kind

        setattr(self, f"on_{hook}", end)


class Look(keras.callbacks.Callback):
    """Takes a picture of a pipeline before each epoch, and before each step."""

    def __init__(self, pipeline: Any) -> None:
        super().__init__()
        self._pipeline = pipeline

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        next(iter(self._pipeline))

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if batch < 2:
            next(iter(self._pipeline))


class CountSteps(keras.callbacks.Callback):
    """Counts the steps that were trained."""

    count = 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.count += 1


def pipeline(dataset: Dataset, split: str = "train") -> Any:
    return make_pipeline(
        dataset, split, batch_size=8, image_size=(4, 4), output="dict", seed=3, processes=0, shuffle=True
    )


def pairs(dataset: Dataset, split: str = "train") -> Any:
    """As a user may build on a pipeline."""
    return pipeline(dataset, split).map(lambda batch: (batch["image"], batch["label"])).prefetch(1)


def order(dataset: Dataset) -> list[bytes]:
    train = pipeline(dataset)
    return [key for _ in range(2) for batch in train for key in batch["key"].numpy()]


class Trainee:
    """A model that can be as new, without being compiled again."""

    def __init__(self) -> None:
        keras.utils.set_random_seed(5)
        self.model = keras.Sequential(
            [
                keras.Input((4, 4, 3)),
                keras.layers.Flatten(),
                keras.layers.Dropout(0.5, seed=9),
                keras.layers.Dense(3),
            ]
        )
        self.model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        self.model.optimizer.build(self.model.trainable_variables)
        self._new = self.values()

    def values(self) -> list[npt.NDArray[Any]]:
        return [np.asarray(variable.value) for variable in self._variables()]

    def renew(self) -> None:
        """As in a process that has just begun."""
        vars(self.model).pop(resume.TRAINED_IN, None)
        for variable, value in zip(self._variables(), self._new, strict=True):
            variable.assign(value)

    def fit(self, data: Any, *callbacks: Any, epochs: int = EPOCHS) -> Any:
        return self.model.fit(data, epochs=epochs, verbose=0, shuffle=False, callbacks=list(callbacks))

    def _variables(self) -> list[Any]:
        return [*self.model.variables, *self.model.optimizer.variables]


@pytest.fixture(scope="module")
def trainee() -> Trainee:
    return Trainee()


@pytest.fixture(scope="module")
def trained(trainee: Trainee, flowers: Dataset) -> list[npt.NDArray[Any]]:
    """The variables after a training without anything special."""
    trainee.renew()
    trainee.fit(pairs(flowers))
    return trainee.values()


@pytest.fixture(scope="module")
def in_order(flowers: Dataset) -> list[bytes]:
    return order(flowers)


def assert_nothing_is_left(trainee: Trainee, dataset: Dataset, in_order: list[bytes]) -> None:
    steps = CountSteps()
    assert len(trainee.fit(pairs(dataset), steps, epochs=1).history["loss"]) == 1
    assert steps.count == STEPS
    assert order(dataset) == in_order
    trainee.model.evaluate(pairs(dataset, "validation"), verbose=0)


def assert_goes_on(trainee: Trainee, dataset: Dataset, run: Path, trained: list[npt.NDArray[Any]]) -> None:
    trainee.renew()
    trainee.fit(pairs(dataset), ResumeTraining(run, every_steps=1))
    for now, then in zip(trainee.values(), trained, strict=True):
        np.testing.assert_array_equal(now, then)


def slow_but(count: int, cases: list[Any]) -> list[Any]:
    """Some cases, at random, and the others marked slow."""
    quick = set(RANDOM.sample(range(len(cases)), count))
    return [pytest.param(*case, marks=() if i in quick else pytest.mark.slow) for i, case in enumerate(cases)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("hook", "count", "place", "kind"),
    [
        pytest.param("train_begin", 1, "after", KeyboardInterrupt),
        pytest.param("train_batch_begin", 9, "after", KeyboardInterrupt),
        *slow_but(
            2,
            [
                (hook, count, place, kind)
                for hook in COUNTS
                for count in COUNTS[hook]
                for place in ("before", "after")
                for kind in KINDS
            ],
        ),
    ],
)
def test_nothing_is_left_wherever_a_callback_raises(
    trainee: Trainee,
    flowers: Dataset,
    trained: list[npt.NDArray[Any]],
    in_order: list[bytes],
    tmp_path: Path,
    hook: str,
    count: int,
    place: str,
    kind: type[BaseException],
) -> None:
    """Twice: the second `fit` has begun within an epoch, where the first was ended."""
    trainee.renew()
    for end in (EndAt("train_batch_end", 4, RuntimeError), EndAt(hook, count, kind)):
        ours = ResumeTraining(tmp_path, every_steps=1)
        try:
            trainee.fit(pairs(flowers), *([ours, end] if place == "after" else [end, ours]))
        except (RuntimeError, KeyboardInterrupt, SystemExit):
            assert_nothing_is_left(trainee, flowers, in_order)
    assert_goes_on(trainee, flowers, tmp_path, trained)


def raising_at(line: int, kind: type[BaseException]) -> Callable[..., Any]:
    """A trace function that ends the program before the n-th line of ours, as Ctrl-C may."""
    left = [line]

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename not in OURS:
            return None
        if event == "line":
            left[0] -= 1
            if not left[0]:
                raise kind
        return trace

    return trace


@pytest.fixture
def tracing() -> Iterator[Callable[[Any], None]]:
    before = sys.gettrace()
    yield sys.settrace
    sys.settrace(before)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "kind"),
    slow_but(3, [(line, KINDS[line % 3]) for line in (*range(1, 130, 2), *range(130, 500, 19))]),
)
def test_nothing_is_left_before_whatever_line_it_ends(
    trainee: Trainee,
    flowers: Dataset,
    trained: list[npt.NDArray[Any]],
    in_order: list[bytes],
    tmp_path: Path,
    tracing: Callable[[Any], None],
    line: int,
    kind: type[BaseException],
) -> None:
    trainee.renew()
    with pytest.raises(RuntimeError):
        trainee.fit(
            pairs(flowers), ResumeTraining(tmp_path, every_steps=2), EndAt("train_batch_end", 4, RuntimeError)
        )
    ours, data = ResumeTraining(tmp_path, every_steps=1), pairs(flowers)
    tracing(raising_at(line, kind))
    with pytest.raises(kind):
        trainee.fit(data, ours)
    tracing(None)
    assert_nothing_is_left(trainee, flowers, in_order)
    assert_goes_on(trainee, flowers, tmp_path, trained)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("looked_at", "place"),
    [
        ("validation", "before"),
        ("train", "after"),
        pytest.param("itself", "before", marks=pytest.mark.slow),
        ("itself", "after"),
    ],
)
def test_a_callback_may_look_at_any_pipeline(
    trainee: Trainee,
    flowers: Dataset,
    trained: list[npt.NDArray[Any]],
    tmp_path: Path,
    place: str,
    looked_at: str,
) -> None:
    trainee.renew()
    data = pairs(flowers)
    look = Look(data if looked_at == "itself" else pairs(flowers, looked_at))
    for end in ([EndAt("train_batch_end", 8, RuntimeError)], []):
        ours = ResumeTraining(tmp_path, every_steps=1)
        try:
            trainee.fit(data, *([ours, look] if place == "after" else [look, ours]), *end)
        except RuntimeError:
            trainee.renew()
    for now, then in zip(trainee.values(), trained, strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.mark.slow
def test_other_pipelines_count_for_themselves_while_one_is_trained(
    trainee: Trainee, flowers: Dataset, tmp_path: Path
) -> None:
    class Read(keras.callbacks.Callback):
        first: list[bytes] = []  # noqa: RUF012

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.first += list(next(iter(other))["key"].numpy())

    other, read = pipeline(flowers), Read()
    trainee.renew()
    trainee.fit(pairs(flowers), ResumeTraining(tmp_path), read)
    alone = pipeline(flowers)
    assert read.first == [key for _ in range(2) for key in next(iter(alone))["key"].numpy()]


@pytest.mark.slow
def test_a_loop_of_fits(
    trainee: Trainee, flowers: Dataset, trained: list[npt.NDArray[Any]], tmp_path: Path
) -> None:
    """With their epochs it is one training, however often it is started; without, it is refused."""

    def train(data: Any, *callbacks: Any) -> None:
        for epoch in range(EPOCHS):
            trainee.model.fit(
                data,
                initial_epoch=epoch,
                epochs=epoch + 1,
                verbose=0,
                shuffle=False,
                callbacks=[ResumeTraining(tmp_path, every_steps=1), *callbacks],
            )

    end = EndAt("train_batch_end", STEPS + 2, RuntimeError)
    trainee.renew()
    with pytest.raises(RuntimeError):
        train(pairs(flowers), end)
    restarted = Trainee()
    trainee.model = restarted.model
    train(pairs(flowers))
    for now, then in zip(trainee.values(), trained, strict=True):
        np.testing.assert_array_equal(now, then)
    with pytest.raises(UsageError, match=r"Received: epochs=1\. .* initial_epoch=i, epochs=i \+ 1"):
        trainee.fit(pairs(flowers), ResumeTraining(tmp_path), epochs=1)


def test_a_fit_that_begins_after_the_saved_epoch_is_refused(
    trainee: Trainee, flowers: Dataset, tmp_path: Path
) -> None:
    trainee.renew()
    with pytest.raises(RuntimeError):
        trainee.fit(
            pairs(flowers), ResumeTraining(tmp_path, every_steps=1), EndAt("train_batch_end", 2, RuntimeError)
        )
    with pytest.raises(UsageError, match=r"stopped in epoch 0\. Received: a fit that begins at epoch 1"):
        trainee.model.fit(
            pairs(flowers), initial_epoch=1, epochs=3, verbose=0, callbacks=[ResumeTraining(tmp_path)]
        )


def test_a_cached_pipeline_is_refused_when_it_repeats_an_epoch(
    trainee: Trainee, flowers: Dataset, tmp_path: Path
) -> None:
    trainee.renew()
    with pytest.raises(UsageError, match=r"not cached\)\. Received: batches of an earlier epoch"):
        trainee.fit(pairs(flowers).cache(), ResumeTraining(tmp_path))


@pytest.mark.slow
def test_a_callback_that_trains_by_itself_is_refused_where_it_would_take_the_first_step(
    trainee: Trainee, flowers: Dataset, tmp_path: Path
) -> None:
    class Train(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            self.model.train_on_batch(np.zeros((1, 4, 4, 3)), np.zeros(1))

    trainee.renew()
    trainee.fit(pairs(flowers), Train(), ResumeTraining(tmp_path / "works"))
    with pytest.raises(UsageError, match="Put ResumeTraining last"):
        trainee.fit(pairs(flowers), ResumeTraining(tmp_path / "refused"), Train())
