"""A loader feeds Keras' `fit` on each backend in its own order, whatever number Keras asks for."""

import importlib.util
import json
from typing import Any

import keras
import numpy as np
import pytest

from fitfeed.pipelines import Dataset, Loader, RandomFlip, make_loader
from fitfeed.pipelines.loader.keras_batches import KerasBatches
from fitfeed.schemas.errors import UsageError
from tests.programs import run_program

STEPS = 6
GIVEN: dict[str, Any] = {
    "batch_size": 8,
    "image_size": (6, 5),
    "normalize": "unit",
    "augment": [RandomFlip()],
}

PROGRAM = """
import json, sys
import keras, numpy as np
from fitfeed import RandomFlip, make_loader

keras.utils.set_random_seed(3)
path, epochs, rest_of, save_at = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3]), json.loads(sys.argv[4])
options = dict(batch_size=8, image_size=(6, 5), normalize="unit", augment=[RandomFlip()])
loader = make_loader(path, "train", **options)


class Seen(keras.layers.Layer):
    '''Keeps the sum of each image that it is trained on, in the order of training.'''

    def build(self, shape):
        self.sums = self.add_weight(shape=(600,), initializer="zeros", trainable=False, dtype="float32")
        self.place = self.add_weight(shape=(), initializer="zeros", trainable=False, dtype="int32")

    def call(self, images):
        sums = keras.ops.sum(images, axis=(1, 2, 3))
        places = keras.ops.one_hot(self.place + keras.ops.arange(8), 600)
        self.sums.assign_add(keras.ops.sum(places * sums[:, None], axis=0))
        self.place.assign(self.place + 8)
        return images


class Saving(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == save_at[0] and batch + 1 == save_at[1]:
            print(json.dumps(batches.state_dict(batch + 1)))

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch


seen = Seen()
model = keras.Sequential([seen, keras.layers.Flatten(), keras.layers.Dense(3)])
model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
begin = 0
if rest_of:
    loader.load_state_dict(rest_of)
    begin = rest_of["epoch"]
    batches = loader.keras(rest=True)
    model.fit(batches, initial_epoch=begin, epochs=begin + 1, shuffle=True, verbose=0)
    begin += 1
batches = loader.keras()
model.fit(batches, initial_epoch=begin, epochs=epochs, shuffle=True, verbose=0, callbacks=[Saving()] if save_at else [])
count = int(seen.place)
print(json.dumps([round(float(value), 3) for value in np.asarray(keras.ops.convert_to_numpy(seen.sums))[:count]]))
print(json.dumps(loader.state_dict()["epoch"]))
"""


def loader(dataset: Dataset, **options: Any) -> Loader:
    return make_loader(dataset, "train", **{**GIVEN, **options})


def sums(batches: Any) -> list[float]:
    return [float(total) for images, _ in batches for total in images.sum((1, 2, 3), dtype=np.float32)]


def trained(
    dataset: Dataset, backend: str, epochs: int, rest_of: Any = None, save_at: Any = None
) -> list[Any]:
    lines = run_program(
        PROGRAM, dataset.path, epochs, json.dumps(rest_of), json.dumps(save_at),
        KERAS_BACKEND=backend, TF_CPP_MIN_LOG_LEVEL="3",
    )  # fmt: skip
    return [json.loads(line) for line in lines.splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_fit_trains_on_our_order_and_goes_on_within_an_epoch(flowers: Dataset, backend: str) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    ours = loader(flowers)
    expected = [total for _ in range(3) for total in sums(ours)]
    state, found, epoch = trained(flowers, backend, 3, save_at=[1, 2])
    assert found == pytest.approx(expected, abs=0.01)
    assert epoch == 3
    assert (state["epoch"], state["step"]) == (1, 2)

    rest, epoch = trained(flowers, backend, 3, rest_of=state)
    assert rest == pytest.approx(expected[(STEPS + 2) * 8 :], abs=0.01)
    assert epoch == 3


def go_through(batches: KerasBatches, numbers: list[int]) -> list[float]:
    """As Keras does: in a generator of its own."""

    def generator() -> Any:
        for number in numbers:
            yield batches[number]

    return sums(generator())


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
    batches, expected = loader(flowers).keras(), sums(loader(flowers))
    found: list[float] = []

    def generator() -> Any:
        for number in SHUFFLED:
            yield batches[number]

    begun = generator()
    for _ in range(3):
        batches.on_epoch_begin()
        found += sums([next(begun), next(begun)])
        batches.on_epoch_end()
    assert found == expected


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
    assert go_through(rest, numbers[:1]) == expected[:8]
    assert go_through(rest, numbers) == expected
    assert rest.state_dict(STEPS - step)["epoch"] == 3
    if step == STEPS - 2:  # two batches may have been a look, too
        assert go_through(rest, numbers) == expected
    with pytest.raises(
        UsageError,
        match=r"initial_epoch=2, epochs=3\), and go on with fit\(loader.keras\(\), initial_epoch=3",
    ):
        rest[0]
    assert go_through(whole, SHUFFLED) == sums(loader(flowers, start=(3, 0)))


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
