"""Trains in a loop of one's own: `GradientTape` over dict batches, gradients of several batches added up.

    fitfeed convert examples/clothing build/clothing --size 128
    python examples/train_loop.py build/clothing

Four batches of 8 make one update, as a batch of 32 would, in a quarter of its memory. On the sample it ends above an accuracy
of 0.3.
"""

import argparse

import keras
import tensorflow as tf
from small_network import small_network

from fitfeed import RandomFlip, RandomResizedCrop, make_pipeline, open_dataset

SIDE, BATCH_SIZE, ACCUMULATED, SEED = 64, 8, 4, 1


def main() -> None:
    """Trains, and prints the accuracy on the validation split."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset")
    parser.add_argument("--epochs", type=int, default=24)
    options = parser.parse_args()

    keras.utils.set_random_seed(SEED)
    dataset = open_dataset(options.dataset)
    augment = [RandomResizedCrop(scale=(0.5, 1.0)), RandomFlip("horizontal")]
    train = make_pipeline(
        dataset,
        "train",
        batch_size=BATCH_SIZE,
        image_size=(SIDE, SIDE),
        augment=augment,
        output="dict",
        seed=SEED,
    )
    validation = make_pipeline(
        dataset, "validation", batch_size=BATCH_SIZE, image_size=(SIDE, SIDE), output="dict"
    )

    model = small_network(SIDE, len(dataset.class_names))
    optimizer = keras.optimizers.Adam(1e-3)
    loss = keras.losses.SparseCategoricalCrossentropy()

    @tf.function
    def gradients(batch: dict[str, tf.Tensor]) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            value = loss(batch["label"], model(batch["image"], training=True)) / ACCUMULATED
        found: list[tf.Tensor] = tape.gradient(value, model.trainable_variables)
        return found

    @tf.function
    def predicted(images: tf.Tensor) -> tf.Tensor:
        return tf.argmax(model(images, training=False), axis=-1)

    accuracy = 0.0
    for epoch in range(options.epochs):  # each iteration of the pipeline is the next epoch
        total = [tf.zeros_like(variable) for variable in model.trainable_variables]
        for step, batch in enumerate(train, start=1):
            total = [one + other for one, other in zip(total, gradients(batch), strict=True)]
            if step % ACCUMULATED == 0:
                optimizer.apply(total, model.trainable_variables)
                total = [tf.zeros_like(variable) for variable in model.trainable_variables]
        right = sum(
            int(tf.math.count_nonzero(predicted(batch["image"]) == batch["label"])) for batch in validation
        )
        accuracy = right / dataset.splits["validation"].examples
        print(f"epoch {epoch}: accuracy {accuracy:.3f}")
    print(f"accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main()
