"""A small network for the examples: it learns something from 391 photographs in a minute on two CPUs."""

from typing import Any

import keras


def small_network(side: int, outputs: int, activation: str = "softmax") -> Any:
    """A convolutional network without a compiled loss.

    Args:
        side: Height and width of the images, float32 of shape (batch, side, side, 3).
        outputs: Numbers that it predicts for each image.
        activation: Of the last layer.
    """
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((side, side, 3)),
            layers.Conv2D(24, 5, strides=2, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(48, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(64, activation="relu"),
            layers.Dense(outputs, activation=activation),
        ]
    )
