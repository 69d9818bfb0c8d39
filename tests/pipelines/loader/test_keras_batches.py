"""A loader feeds Keras' `fit` on each backend in its own order, whatever number Keras asks for."""

import gc
import weakref
from typing import Any

import keras
import numpy as np
import pytest
from keras.src.trainers.epoch_iterator import EpochIterator

from fitfeed.pipelines import Dataset, Loader, RandomFlip, make_loader
from fitfeed.pipelines.loader.keras_batches import KerasBatches
from fitfeed.schemas.errors import UsageError

STEPS = 6
GIVEN: dict[str, Any] = {
    "batch_size": 8,
    "image_size": (6, 5),
    "normalize": "unit",
    "augment": [RandomFlip()],
}


def loader(dataset: Dataset, **options: Any) -> Loader:
    return make_loader(dataset, "train", **{**GIVEN, **options})


def sums(batches: Any) -> list[float]:
    return [float(total) for images, _ in batches for total in images.sum((1, 2, 3), dtype=np.float32)]


def go_through(batches: KerasBatches, numbers: list[int]) -> list[float]:
    """As Keras does: in a generator of its own."""

    def generator() -> Any:
        for number in numbers:
            yield batches[number]

    return sums(generator())


def fit(batches: KerasBatches, *, epochs: int, stop_after: int | None = None, **options: Any) -> list[float]:
    """What Keras' `fit` trains on: its own iterator, as trainers of all backends use it, without a model.

    Args:
        batches: What it is given.
        epochs: How many epochs.
        stop_after: Steps of the last one, after which `fit` is stopped.
        **options: Of Keras' iterator.
    """
    iterator = EpochIterator(x=batches, shuffle=True, **options)
    iterator.reset()
    found: list[float] = []
    for epoch in range(epochs):
        for _, end, taken in iterator:
            found += sums(taken)
            if epoch == epochs - 1 and end + 1 == stop_after:
                break
    return found


SHUFFLED = [4, 0, 2, 5, 1, 3]


def test_batches_come_in_our_order_whatever_is_asked_for(flowers: Dataset) -> None:
    ours, other = loader(flowers), loader(flowers)
    batches = ours.keras()
    assert isinstance(batches, keras.utils.PyDataset)
    assert len(batches) == batches.num_batches == STEPS
    assert go_through(batches, SHUFFLED) == sums(other)
    assert go_through(batches, SHUFFLED[::-1]) == sums(other)
    assert list(map(len, batches[3])) == [8, 8]


def test_what_keras_only_looks_at_is_not_lost(flowers: Dataset) -> None:
    ours, other = loader(flowers), loader(flowers)
    batches = ours.keras()
    expected = sums(other)
    assert go_through(batches, [3]) == expected[:8]
    assert go_through(batches, [0, 1]) == expected[:16]
    assert go_through(batches, SHUFFLED) == expected
    assert ours.state_dict()["epoch"] == 1


def test_an_epoch_of_fewer_steps_goes_on_with_the_next(flowers: Dataset) -> None:
    """`steps_per_epoch`: Keras goes on with the same generator."""
    batches, other = loader(flowers).keras(), loader(flowers)
    expected = sums(other) + sums(other)
    assert fit(batches, epochs=6, steps_per_epoch=2) == expected


@pytest.mark.parametrize(("steps_per_epoch", "at_once"), [(3, 1), (1, 2), (None, 2)])
def test_the_state_counts_earlier_epochs_of_fewer_steps(
    flowers: Dataset, steps_per_epoch: int | None, at_once: int
) -> None:
    batches, places = loader(flowers).keras(), list[tuple[int, int]]()
    iterator = EpochIterator(x=batches, steps_per_epoch=steps_per_epoch, steps_per_execution=at_once)
    while len(places) < STEPS + 3:
        for _, end, _ in iterator:
            state = batches.state_dict(end + 1)
            places.append((state["epoch"], state["step"]))
    counted = [divmod(step, STEPS) for step in range(at_once, 100, at_once)]
    assert places == counted[: len(places)]


def test_no_more_steps_are_counted_than_an_epoch_has(flowers: Dataset) -> None:
    batches = loader(flowers).keras()
    fit(batches, epochs=1, steps_per_epoch=4)
    batches.on_epoch_begin()
    with pytest.raises(UsageError, match=r"0 to 2\. Received: steps=3"):
        batches.state_dict(3)


@pytest.mark.parametrize("ahead", [0, 1, 3, 4])
def test_what_was_taken_ahead_does_not_decide_what_comes_next(flowers: Dataset, ahead: int) -> None:
    """Threads of TensorFlow take as many batches ahead as they have time for."""
    ours = loader(flowers)
    batches, expected = ours.keras(), sums(loader(flowers))

    def stopped() -> EpochIterator:
        iterator = EpochIterator(x=batches)
        next(steps := iter(iterator)), next(steps)
        for _ in range(ahead):
            next(iterator._current_iterator)
        return iterator

    left = stopped()
    assert fit(batches, epochs=1) == expected
    del left
    left = stopped()
    ours.load_state_dict(batches.state_dict(2))
    rest = ours.keras(rest=True)
    assert fit(rest, epochs=1) == sums(loader(flowers, start=(1, 2)))
    del left


def test_a_fit_of_fewer_steps_or_one_that_was_stopped_begins_its_epoch_again(flowers: Dataset) -> None:
    batches, other = loader(flowers).keras(), loader(flowers)
    expected = sums(other)
    for _ in range(2):  # `validation_steps`: the same batches after each epoch
        assert fit(batches, epochs=1, steps_per_epoch=4) == expected[:32]
    assert fit(batches, epochs=1, stop_after=5) == expected[:40]
    assert fit(batches, epochs=1) == expected
    assert fit(batches, epochs=1) == sums(other)


def test_hooks_that_somebody_else_calls_are_of_whole_epochs(flowers: Dataset) -> None:
    batches, other = loader(flowers).keras(), loader(flowers)
    for numbers in ([4], SHUFFLED, SHUFFLED):
        batches.on_epoch_begin()
        expected = sums(other) if len(numbers) > 1 else sums(loader(flowers))[:8]
        assert go_through(batches, numbers) == expected
        batches.on_epoch_end()


def test_an_epoch_of_two_batches_is_not_spent_on_a_look(flowers: Dataset) -> None:
    batches, other = loader(flowers, batch_size=24).keras(), loader(flowers, batch_size=24)
    assert len(batches) == 2
    for _ in range(2):
        for number in range(2):  # this function asks, each time
            batches[number]
        assert fit(batches, epochs=2) == sums(other) + sums(other)


def test_nothing_of_who_asks_is_kept(flowers: Dataset) -> None:
    class Model:
        pass

    batches = loader(flowers).keras()

    def train(stop_after: int | None) -> weakref.ref[Model]:
        model = Model()
        [batches[number] for number in range(2)]
        fit(batches, epochs=1, stop_after=stop_after)
        return weakref.ref(model)

    gc.disable()
    try:
        assert [train(stop_after)() for stop_after in (None, 3)] == [None, None]
    finally:
        gc.enable()


def test_after_a_batch_that_cannot_be_made_the_epoch_begins_again(flowers: Dataset) -> None:
    calls: list[int] = []

    def fail_once(image: Any) -> Any:
        calls.append(0)
        if len(calls) == 1:
            raise LookupError
        return image

    batches = loader(flowers, augment=[fail_once], processes=0, prefetch=0).keras()

    def generator() -> Any:
        with pytest.raises(LookupError):
            batches[0]
        for number in SHUFFLED:
            yield batches[number]

    assert sums(generator()) == sums(loader(flowers, augment=[lambda image: image]))


def test_one_who_has_asked_before_gets_nothing_more(flowers: Dataset) -> None:
    """TensorFlow's threads may ask for one more, after `fit` was stopped."""
    batches = loader(flowers).keras()

    def generator() -> Any:
        for number in SHUFFLED:
            yield batches[number]

    first, second = generator(), generator()
    next(first)
    taken = next(second)
    with pytest.raises(UsageError, match="goes through them once more already"):
        next(first)
    assert sums([taken, *second]) == sums(loader(flowers))


def test_who_moves_the_loader_decides_what_comes_next(flowers: Dataset) -> None:
    ours = loader(flowers)
    batches = ours.keras()
    go_through(batches, [0, 1, 2])
    ours.load_state_dict({**ours.state_dict(), "epoch": 4, "step": 0})
    assert go_through(batches, SHUFFLED) == sums(loader(flowers, start=(4, 0)))


def test_the_state_is_that_of_trained_steps(flowers: Dataset) -> None:
    ours = loader(flowers)
    batches = ours.keras()
    go_through(batches, SHUFFLED)
    state = ours.state_dict()
    assert batches.state_dict(2) == {**state, "epoch": 0, "step": 2}
    assert batches.state_dict(STEPS) == state
    for steps in (-1, STEPS + 1, 1.5, True):
        with pytest.raises(UsageError, match=f"0 to {STEPS}. Received: steps={steps}"):
            batches.state_dict(steps)  # type: ignore[arg-type]


@pytest.mark.parametrize("step", [2, STEPS - 2, STEPS - 1])
def test_the_rest_of_an_epoch_is_a_fit_of_its_own(flowers: Dataset, step: int) -> None:
    ours = loader(flowers, start=(2, step))
    expected = sums(loader(flowers, start=(2, step)))
    whole = ours.keras()
    with pytest.raises(
        UsageError, match=rf"within epoch 2, at step {step}. .* initial_epoch=2, epochs=3\)\. Then"
    ):
        whole[0]
    rest = ours.keras(rest=True)
    numbers = list(range(STEPS - step))
    assert len(rest) == STEPS - step
    assert go_through(rest, numbers[:2]) == expected[:16]  # a look
    assert fit(rest, epochs=1) == expected
    assert rest.state_dict(STEPS - step)["epoch"] == 3
    with pytest.raises(
        UsageError,
        match=r"initial_epoch=2, epochs=3\), and go on with fit\(loader.keras\(\), initial_epoch=3",
    ):
        rest[0]
    assert go_through(whole, SHUFFLED) == sums(loader(flowers, start=(3, 0)))


def test_a_loader_that_was_moved_has_another_rest(flowers: Dataset) -> None:
    ours = loader(flowers, start=(2, 1))
    rest = ours.keras(rest=True)
    ours.load_state_dict({**ours.state_dict(), "step": 3})
    with pytest.raises(UsageError, match=r"from step 1 on, and the loader has been moved to epoch 2, step 3"):
        rest[0]


def test_workers_of_keras_are_refused(flowers: Dataset) -> None:
    batches = loader(flowers).keras()
    with pytest.raises(UsageError, match="Received: workers=4"):
        batches.workers = 4
    with pytest.raises(UsageError, match="Received: use_multiprocessing=True"):
        batches.use_multiprocessing = True
    batches.workers, batches.use_multiprocessing = 1, False
    assert (batches.workers, batches.use_multiprocessing) == (1, False)


def test_keys_are_refused(flowers: Dataset) -> None:
    with pytest.raises(UsageError, match="Received: output='dict'"):
        loader(flowers, output="dict").keras()
