"""The pipeline under Keras and under distribution strategies."""

import re
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from fitfeed.pipelines import Dataset, RandomFlip, RandomResizedCrop, make_pipeline
from fitfeed.pipelines.options import Access
from tests.programs import run_any


def small_model() -> keras.Model:
    model = keras.Sequential(
        [
            keras.layers.Conv2D(4, 3, strides=2, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3),
        ]
    )
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model


@pytest.mark.slow
@pytest.mark.parametrize("access", ["indexed", "stream"])
def test_fit_knows_its_steps_and_warns_of_nothing(
    flowers: Dataset, access: Access, capsys: pytest.CaptureFixture[str]
) -> None:
    train = make_pipeline(
        flowers,
        "train",
        batch_size=8,
        image_size=(24, 24),
        augment=[RandomResizedCrop(), RandomFlip()],
        access=access,
    )
    validation = make_pipeline(flowers, "validation", batch_size=8, image_size=(24, 24), access=access)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # shuffle=False: else Keras reminds the owner of every tf.data.Dataset that it will not shuffle it.
        history = small_model().fit(
            train, validation_data=validation, epochs=3, class_weight=flowers.class_weight, shuffle=False
        )
    assert [str(warning.message) for warning in caught] == []
    assert len(history.history["val_loss"]) == 3
    assert np.isfinite(history.history["loss"]).all()
    counters = re.findall(r"(\d+)/(\S+)", re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out))
    assert {total for _, total in counters if total.isdigit()} == {
        "3",
        "6",
    }  # epochs, and steps from the first on
    assert "Unknown" not in {total for _, total in counters}


STRATEGY = """
import sys
import keras, tensorflow as tf
from fitfeed.pipelines import make_pipeline
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])

def pipeline(**options):
    return make_pipeline(sys.argv[1], "train", batch_size=8, image_size=(24, 24), **options)

with strategy.scope():
    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
train = pipeline()
history = model.fit(train, epochs=2, verbose=2)
assert len(history.history["loss"]) == 2

loop = pipeline(output="dict", drop_remainder=False)
keys = []
for batch in strategy.experimental_distribute_dataset(loop):
    images = strategy.experimental_local_results(batch["image"])
    assert len(images) == 2
    shares = strategy.experimental_local_results(batch["key"])
    assert [len(share) for share in shares] == [len(image) for image in images]
    keys += [key for share in shares for key in share.numpy()]
assert len(keys) == len(set(keys)) == 53, len(keys)

# Keras took one iterator of `train` to build the model, and two for the epochs.
ours = [[label.numpy().tolist() for _, label in pipeline(start=(epoch, 0))] for epoch in range(4)]
assert [label.numpy().tolist() for _, label in train] == ours[3]
print("done")
"""


@pytest.mark.slow  # `test_several_replicas` of resuming trains under a strategy too
def test_mirrored_strategy(flowers: Dataset) -> None:
    result = run_any(STRATEGY, flowers.path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith("done\n")
    assert "6/6" in result.stdout
    for complaint in (
        "auto_shard",
        "auto-shard",
        "AutoShard",
        "ran out of data",
        "autograph",
        "AutoGraph",
        "Traceback",
    ):
        assert complaint not in result.stderr


@pytest.mark.slow
def test_custom_training_loop_over_dicts(flowers: Dataset) -> None:
    model, optimizer = small_model(), keras.optimizers.Adam(0.01)
    loss_function = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @tf.function
    def step(batch: dict[str, tf.Tensor]) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = loss_function(batch["label"], model(batch["image"], training=True))
        optimizer.apply_gradients(
            zip(tape.gradient(loss, model.trainable_weights), model.trainable_weights, strict=True)
        )
        return loss

    train = make_pipeline(flowers, "train", batch_size=8, image_size=(24, 24), output="dict")
    losses = [float(step(batch)) for _ in range(2) for batch in train]
    assert len(losses) == 12
    assert np.isfinite(losses).all()
