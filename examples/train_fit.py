"""Trains with `fit`: a schedule, early stopping, class weights, and going on after a crash.

    fitfeed convert examples/clothing build/clothing --size 128
    python examples/train_fit.py build/clothing

Interrupt it and start it again: it goes on with the step that was saved last. On the sample it ends above an accuracy of 0.3.
"""

import argparse
import math

import keras
from small_network import small_network

from fitfeed import RandomFlip, RandomResizedCrop, ResumeTraining, make_pipeline, open_dataset

SIDE, BATCH_SIZE, SEED = 64, 16, 1


def main() -> None:
    """Trains, and prints the accuracy on the validation split."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset")
    parser.add_argument("--epochs", type=int, default=24)
    parser.add_argument("--run", default="build/train_fit", help="folder for the state of the training")
    options = parser.parse_args()

    keras.utils.set_random_seed(SEED)
    dataset = open_dataset(options.dataset)
    augment = [RandomResizedCrop(scale=(0.5, 1.0)), RandomFlip("horizontal")]
    train = make_pipeline(
        dataset, "train", batch_size=BATCH_SIZE, image_size=(SIDE, SIDE), augment=augment, seed=SEED
    )
    validation = make_pipeline(dataset, "validation", batch_size=BATCH_SIZE, image_size=(SIDE, SIDE))

    def learning_rate(epoch: int) -> float:
        """A warm-up of two epochs, then half a cosine."""
        progress = max(0.0, (epoch - 2) / max(1, options.epochs - 2))
        return 1e-3 * min((epoch + 1) / 3, 0.5 + 0.5 * math.cos(math.pi * progress))

    model = small_network(SIDE, len(dataset.class_names))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(
        train,
        validation_data=validation,
        epochs=options.epochs,
        class_weight=dataset.class_weight,
        callbacks=[
            ResumeTraining(options.run, every_steps=50),
            keras.callbacks.LearningRateScheduler(learning_rate),
            keras.callbacks.EarlyStopping("val_accuracy", patience=12, restore_best_weights=True),
        ],
        shuffle=False,  # the pipeline shuffles
        verbose=2,
    )
    accuracy = model.evaluate(validation, verbose=0, return_dict=True)["accuracy"]
    print(f"accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main()
