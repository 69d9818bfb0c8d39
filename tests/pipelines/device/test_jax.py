"""The layer with Keras on JAX, in a process of its own: a process has one backend."""

import importlib.util

import pytest

from fitfeed.pipelines import Dataset
from tests.programs import run_program

PROGRAM = """
import sys
import jax, keras, numpy as np
from fitfeed.pipelines import *
from fitfeed.pipelines.device.program import DeviceProgram
from fitfeed.schemas.errors import UsageError
from tests.pipelines.device.test_layer import EVERYTHING, MILD

assert keras.backend.backend() == "jax"

# Compiled, it agrees with the same parameters on the CPU.
from tests.pipelines.augment.reference import difference
from tests.pipelines.build_dataset import picture
from tests.pipelines.device.executors import on_cpu, on_device
images = np.stack([picture(i, 44, 32, 3) for i in range(12)])
rng = np.random.default_rng(0)
for op in EVERYTHING[4:7] + EVERYTHING[10:23]:
    drawn = op.sample(rng.random((12, op.draws)))
    off = difference(on_device([(op, drawn)], images), on_cpu([(op, drawn)], images))
    assert off.max() <= 1, op
program = DeviceProgram(list(enumerate([*MILD, *EVERYTHING[17:23]])))
uniforms = rng.random((12, program.draws)).astype(np.float32)
augment = lambda batch, numbers: program.apply(batch, program.sample_on_device(numbers))
off = np.abs(np.asarray(jax.jit(augment)(images, uniforms)) - np.asarray(augment(images, uniforms)))
assert np.mean(off <= 1) > 0.99, np.mean(off <= 1)

# In a model, compiled with it, from a pipeline of uint8; and anew in each step.
class Seen(keras.layers.Layer):
    def build(self, shape):
        self.sums = self.add_weight(shape=(20,), trainable=False, initializer="zeros")
        self.step = self.add_weight(shape=(), dtype="int32", trainable=False, initializer="zeros")
    def call(self, x):
        here = keras.ops.cast(keras.ops.arange(20) == self.step, "float32")
        self.sums.assign(self.sums + here * keras.ops.sum(keras.ops.cast(x, "float32") / 1e4))
        self.step.assign(self.step + 1)
        return x

dataset = open_dataset(sys.argv[1])
try:
    make_pipeline(dataset, "train", batch_size=8, image_size=(24, 24), augment=MILD, augment_on="device")
except UsageError as error:
    assert "put DeviceAugmentation" in str(error)
else:
    raise AssertionError
keras.config.set_dtype_policy("mixed_bfloat16")
seen = Seen(dtype="float32")
model = keras.Sequential([
    DeviceAugmentation([RandomBrightness(0.5)], seed=1), seen, dataset.normalization("zscore"),
    keras.layers.Flatten(), keras.layers.Dense(3, dtype="float32"),
])
model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=True)
model.build((None, 24, 24, 3))
same = np.repeat(images[:1, :24, :24], 8, axis=0)
history = model.fit(np.concatenate([same] * 5), np.zeros(40), batch_size=8, epochs=2, verbose=0, shuffle=False)
sums = np.asarray(seen.sums)[:10]
assert len(set(sums.tolist())) == 10, sums
train = make_pipeline(dataset, "train", batch_size=8, image_size=(24, 24), augment=[RandomResizedCrop()],
                      normalize=None, dtype="uint8")
history = model.fit(train, epochs=2, verbose=0, shuffle=False)
assert np.isfinite(history.history["loss"]).all()
model.evaluate(train, verbose=0)
print("done")
"""


@pytest.mark.slow  # another process, another backend, and all that XLA compiles
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is not installed")
def test_the_layer_on_jax(encoded_datasets: dict[str, Dataset]) -> None:
    dataset = encoded_datasets["tfrecord"]
    printed = run_program(PROGRAM, dataset.path, KERAS_BACKEND="jax", TF_CPP_MIN_LOG_LEVEL="3")
    assert printed.endswith("done\n")
