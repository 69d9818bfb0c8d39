"""Softmax regression by NumPy: what workers compute together, and what one worker computes alone."""

from typing import Any

import numpy as np
import numpy.typing as npt

CLASSES = 3
RATE = 0.01

Numbers = npt.NDArray[np.float64]


def initial_weights(shape: tuple[int, ...]) -> Numbers:
    """Zeros, float64 (values of an image + 1, classes)."""
    return np.zeros((int(np.prod(shape)) + 1, CLASSES))


def loss_and_slope(
    weights: Numbers, images: npt.NDArray[Any], labels: npt.NDArray[Any]
) -> tuple[Numbers, Numbers]:
    """Cross-entropy of each example, float64 (n,), and the slope of their mean, of the weights' shape."""
    inputs = np.hstack([images.reshape(len(images), -1).astype(np.float64), np.ones((len(images), 1))])
    logits = inputs @ weights
    shares = np.exp(logits - logits.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    wanted = np.eye(CLASSES)[labels]
    return -np.log((shares * wanted).sum(1)), inputs.T @ (shares - wanted) / len(images)
