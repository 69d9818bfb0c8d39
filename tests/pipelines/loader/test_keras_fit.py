"""Keras' own `fit` trains on a loader's order, and says how far it is: on each backend that is installed."""

import importlib.util
import json
from typing import Any

import keras
import pytest

from fitfeed.pipelines import Dataset
from fitfeed.pipelines.loader.keras_batches import KerasBatches
from tests.pipelines.loader.test_keras_batches import STEPS, loader, sums
from tests.programs import run_program

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


class Places(keras.callbacks.Callback):
    """Notes the state after each step, and stops a `fit` after some steps of an epoch."""

    def __init__(self, batches: KerasBatches, stop_after: int | None = None) -> None:
        super().__init__()
        self.batches, self.stop_after, self.found = batches, stop_after, list[tuple[int, int]]()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        state = self.batches.state_dict(batch + 1)
        self.found.append((state["epoch"], state["step"]))
        if batch + 1 == self.stop_after:
            self.model.stop_training = True


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [8, 24])
def test_a_real_fit_goes_on_where_it_has_trained(flowers: Dataset, batch_size: int) -> None:
    batches = loader(flowers, batch_size=batch_size).keras()
    steps = len(batches)
    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))

    def places(stop_after: int | None = None, **options: Any) -> list[tuple[int, int]]:
        noted = Places(batches, stop_after)
        model.fit(batches, verbose=0, callbacks=[noted], **options)
        return noted.found

    after = [divmod(step, steps) for step in range(1, 4 * steps + 1)]
    assert places(epochs=1, stop_after=1) == after[:1]
    assert places(epochs=2) == after[: 2 * steps]
    assert places(epochs=2, steps_per_epoch=steps // 2) == after[2 * steps : 3 * steps]
    assert places(epochs=1, steps_per_epoch=1) == after[3 * steps : 3 * steps + 1]
    assert places(epochs=1) == after[3 * steps :]
