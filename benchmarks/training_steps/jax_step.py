"""ResNet-50 v1.5 in plain JAX: weights are float32, the rest is bfloat16, images are (batch, height, width, channels)."""

from collections.abc import Iterable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.training_steps.step import Network
from fitfeed.pipelines import Loader

LEARNING_RATE, MOMENTUM = 0.01, 0.9


class JaxStep:
    """A step of JAX, compiled as one program. Statistics of batch normalization are those of the batch.

    Attributes:
        device: What it computes on.
    """

    def __init__(self, network: Network) -> None:
        """Draws the weights."""
        self.device = jax.devices()[0].device_kind
        random = np.random.default_rng(0)
        self._weights = jax.device_put(list(_shapes(network, random)))
        self._velocity = jax.tree.map(jnp.zeros_like, self._weights)

        def step(weights: Any, velocity: Any, images: Any, labels: Any) -> Any:
            loss, gradients = jax.value_and_grad(_loss)(weights, images, labels, network)
            velocity = jax.tree.map(lambda v, g: MOMENTUM * v + g, velocity, gradients)
            weights = jax.tree.map(lambda w, v: w - LEARNING_RATE * v, weights, velocity)
            return weights, velocity, loss

        self._step = jax.jit(step, donate_argnums=(0, 1))

    def batches(self, loader: Loader) -> Iterable[Any]:
        """The batches of an epoch, on the device."""
        return loader.jax()

    def __call__(self, images: Any, labels: Any) -> Any:
        """Queues the step; returns what will be the loss."""
        self._weights, self._velocity, loss = self._step(self._weights, self._velocity, images, labels)
        return loss

    def value(self, loss: Any) -> float:
        """Waits for a loss."""
        return float(loss)


def _shapes(network: Network, random: np.random.Generator) -> Iterator[Any]:
    """The weights in the order in which `_loss` takes them: kernels, then scale and bias of each normalization."""

    def convolution(side: int, inputs: int, outputs: int) -> Iterator[Any]:
        kernel = random.normal(0, np.sqrt(2 / (side * side * outputs)), (side, side, inputs, outputs))
        yield kernel.astype(np.float32)
        yield np.ones(outputs, np.float32)
        yield np.zeros(outputs, np.float32)

    yield from convolution(7, 3, network.width)
    inputs = network.width
    for stage, blocks in enumerate(network.blocks):
        middle = network.width << stage
        for block in range(blocks):
            yield from convolution(1, inputs, middle)
            yield from convolution(3, middle, middle)
            yield from convolution(1, middle, 4 * middle)
            if not block:
                yield from convolution(1, inputs, 4 * middle)
            inputs = 4 * middle
    yield random.normal(0, 0.01, (inputs, network.classes)).astype(np.float32)
    yield np.zeros(network.classes, np.float32)


def _loss(weights: list[Any], images: Any, labels: Any, network: Network) -> Any:
    remaining = iter(weights)

    def convolution(x: Any, stride: int = 1) -> Any:
        kernel, scale, bias = next(remaining), next(remaining), next(remaining)
        x = lax.conv_general_dilated(
            x, kernel.astype(x.dtype), (stride, stride), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        exact = x.astype(jnp.float32)
        mean, variance = exact.mean((0, 1, 2)), exact.var((0, 1, 2))
        return ((exact - mean) * (lax.rsqrt(variance + 1e-5) * scale) + bias).astype(x.dtype)

    x = jax.nn.relu(convolution(images.astype(jnp.bfloat16), 2))
    x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME")
    for stage, blocks in enumerate(network.blocks):
        for block in range(blocks):
            stride = 2 if stage and not block else 1
            y = jax.nn.relu(convolution(x))
            y = jax.nn.relu(convolution(y, stride))
            y = convolution(y)
            x = jax.nn.relu(y + (x if block else convolution(x, stride)))
    logits = x.mean((1, 2)).astype(jnp.float32) @ next(remaining) + next(remaining)
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1).mean()
