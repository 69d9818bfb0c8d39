"""Trains on masks.

    python examples/segmentation.py build/silhouettes

The photographs of the sample have no masks, so the script first draws some: what differs from the border of the picture is 1, the rest
0. Then it does what `fitfeed convert build/silhouettes/photos build/silhouettes/dataset --size 96 --fit cover --mask-from
'{dir}/{stem}_mask.png'` does. On the sample it ends above a mean intersection over union of 0.45; all background has 0.38.
"""

import argparse
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
from PIL import Image

from fitfeed import RandomFlip, RandomResizedCrop, convert, make_pipeline

SOURCE = Path(__file__).parent / "clothing"
SIDE, BATCH_SIZE, SEED = 64, 16, 1


def main() -> None:
    """Draws masks, converts, trains, and prints the intersection over union on the validation split."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=15)
    options = parser.parse_args()

    keras.utils.set_random_seed(SEED)
    draw_masks(options.folder / "photos")
    dataset = options.folder / "dataset"
    convert(
        options.folder / "photos",
        dataset,
        {"size": (96, 96), "fit": "cover", "mask_from": "{dir}/{stem}_mask.png"},
    )
    train = make_pipeline(
        dataset,
        "train",
        batch_size=BATCH_SIZE,
        image_size=(SIDE, SIDE),
        augment=[RandomResizedCrop(scale=(0.5, 1.0)), RandomFlip("horizontal")],
        label="mask",
        seed=SEED,
    )
    validation = make_pipeline(
        dataset, "validation", batch_size=BATCH_SIZE, image_size=(SIDE, SIDE), label="mask"
    )
    model = network()
    overlap = keras.metrics.MeanIoU(2, sparse_y_pred=False, name="overlap")
    model.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy", metrics=[overlap])
    model.fit(train, validation_data=validation, epochs=options.epochs, shuffle=False, verbose=2)
    print(f"overlap {model.evaluate(validation, verbose=0, return_dict=True)['overlap']:.3f}")


def draw_masks(folder: Path) -> None:
    """Writes the photographs of the sample, and a mask beside each."""
    for photo in SOURCE.glob("*/*/*.jpg"):
        target = folder / photo.relative_to(SOURCE)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(photo.read_bytes())
        pixels = cv2.GaussianBlur(np.array(Image.open(photo)), (0, 0), 5).astype(np.float32)
        border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
        distance = np.linalg.norm(pixels - np.median(border, axis=0), axis=-1)
        mask = (distance > 40).astype(np.uint8)
        Image.fromarray(mask).save(target.with_name(f"{photo.stem}_mask.png"))


def network() -> Any:
    """A class for each pixel, from what is around it."""
    layers = keras.layers
    inputs = keras.Input((SIDE, SIDE, 3))
    fine = layers.Conv2D(16, 3, padding="same", activation="relu")(inputs)
    half = layers.Conv2D(32, 3, strides=2, padding="same", activation="relu")(fine)
    quarter = layers.Conv2D(32, 3, strides=2, padding="same", activation="relu")(half)
    coarse = layers.Conv2D(32, 3, padding="same", dilation_rate=4, activation="relu")(quarter)
    middle = layers.Concatenate()([layers.UpSampling2D(2)(coarse), half])
    middle = layers.Conv2D(24, 3, padding="same", activation="relu")(middle)
    whole = layers.Concatenate()([layers.UpSampling2D(2)(middle), fine])
    return keras.Model(inputs, layers.Conv2D(2, 3, padding="same", activation="softmax")(whole))


if __name__ == "__main__":
    main()
