"""Begins with small batches and ends with large ones, without losing the place in the epoch.

    fitfeed convert examples/clothing build/clothing --size 128
    python examples/growing_batches.py build/clothing

The order of an epoch does not depend on the size of a batch. So sizes may change wherever the number of examples that were seen is
a multiple of the new one, here in the middle of an epoch; what does not fill a large batch is left out of each epoch. On the sample it ends above an accuracy of 0.3.
"""

import argparse
from typing import NamedTuple

import keras
import tensorflow as tf
from small_network import small_network

from fitfeed import RandomFlip, RandomResizedCrop, make_pipeline, open_dataset

SIDE, SEED = 64, 1


class Stage(NamedTuple):
    """A part of the training.

    Attributes:
        batch_size: Examples of a batch.
        epochs: How many epochs it takes, which may end in the middle of one.
    """

    batch_size: int
    epochs: float


STAGES = (Stage(8, 8.5), Stage(16, 8.0), Stage(32, 7.5))


def main() -> None:
    """Trains, and prints the accuracy on the validation split."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset")
    options = parser.parse_args()

    keras.utils.set_random_seed(SEED)
    dataset = open_dataset(options.dataset)
    whole_batches = dataset.splits["train"].examples // STAGES[-1].batch_size * STAGES[-1].batch_size
    model = small_network(SIDE, len(dataset.class_names))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])

    epoch, seen = 0, 0  # where the training is: examples of this epoch that were seen
    for stage in STAGES:
        print(f"batches of {stage.batch_size} from example {seen} of epoch {epoch}")
        left = int(stage.epochs * whole_batches) // STAGES[-1].batch_size * STAGES[-1].batch_size
        batches = make_pipeline(
            dataset,
            "train",
            batch_size=stage.batch_size,
            image_size=(SIDE, SIDE),
            augment=[RandomResizedCrop(scale=(0.5, 1.0)), RandomFlip("horizontal")],
            seed=SEED,
            start=(epoch, seen // stage.batch_size),
        )
        while left:
            steps = min(left, whole_batches - seen) // stage.batch_size
            for images, labels in batches.take(steps):  # each iteration is the next epoch
                model.train_on_batch(images, labels)
            left -= steps * stage.batch_size
            seen += steps * stage.batch_size
            if seen == whole_batches:
                epoch, seen = epoch + 1, 0

    validation = make_pipeline(dataset, "validation", batch_size=32, image_size=(SIDE, SIDE))
    right = sum(
        int(tf.math.count_nonzero(tf.argmax(model(images, training=False), -1) == labels))
        for images, labels in validation
    )
    print(f"accuracy {right / dataset.splits['validation'].examples:.3f}")


if __name__ == "__main__":
    main()
