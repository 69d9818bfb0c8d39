"""The shortest useful trainer: `python examples/train.py DATASET`.

DATASET is a folder that `fitfeed convert` made, with the splits train and validation.
"""

import argparse

import keras

from fitfeed import RandomFlip, RandomResizedCrop, make_pipeline, open_dataset


def main() -> None:
    """Trains a MobileNetV3 from scratch and saves it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset")
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", default="model.keras")
    options = parser.parse_args()

    keras.utils.set_random_seed(options.seed)
    dataset = open_dataset(options.dataset)
    size = (options.image_size, options.image_size)
    augment = [RandomResizedCrop(scale=(0.3, 1.0)), RandomFlip("horizontal")]
    train = make_pipeline(
        dataset, "train", batch_size=options.batch_size, image_size=size, augment=augment, seed=options.seed
    )
    validation = make_pipeline(dataset, "validation", batch_size=options.batch_size, image_size=size)

    model = keras.applications.MobileNetV3Small(
        input_shape=(*size, 3), weights=None, classes=len(dataset.class_names), include_preprocessing=False
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    # The pipeline shuffles; without shuffle=False Keras warns that it will not.
    model.fit(
        train,
        validation_data=validation,
        epochs=options.epochs,
        class_weight=dataset.class_weight,
        shuffle=False,
    )
    model.save(options.output)


if __name__ == "__main__":
    main()
