"""ResNet-50 v1.5 in plain PyTorch: weights are float32, `autocast` makes the rest bfloat16, memory is channels last."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from benchmarks.training_steps.step import Network
from fitfeed.pipelines import Loader

LEARNING_RATE, MOMENTUM = 0.01, 0.9


class TorchStep:
    """A step of PyTorch, as people write it, on the first CUDA device or on the CPU.

    Attributes:
        device: What it computes on.
    """

    def __init__(self, network: Network) -> None:
        """Draws the weights."""
        torch.manual_seed(0)
        self._kind = "cuda" if torch.cuda.is_available() else "cpu"
        self.device = torch.cuda.get_device_name() if self._kind == "cuda" else "cpu"
        torch.backends.cudnn.benchmark = True
        model = _resnet(network).to(self._kind, memory_format=torch.channels_last)
        self._model = model
        self._optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)

    def batches(self, loader: Loader) -> Iterable[Any]:
        """The batches of an epoch, on the device."""
        return loader.torch(self._kind)

    def __call__(self, images: Any, labels: Any) -> Any:
        """Queues the step; returns what will be the loss."""
        with torch.autocast(self._kind, dtype=torch.bfloat16):
            logits = self._model(images)
        loss = functional.cross_entropy(logits.float(), labels)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self._optimizer.step()
        if self._kind == "cpu":
            return loss.detach(), None
        # `float(loss)` would wait for all steps that are queued, as its copy comes after them.
        copy = torch.empty((), pin_memory=True).copy_(loss.detach(), non_blocking=True)
        return copy, torch.cuda.current_stream().record_event()

    def value(self, loss: Any) -> float:
        """Waits for a loss."""
        value, is_there = loss
        if is_there is not None:
            is_there.synchronize()
        return float(value)


class Bottleneck(nn.Module):
    """A block of ResNet v1.5: the 3 x 3 convolution has the stride."""

    def __init__(self, inputs: int, middle: int, stride: int) -> None:
        """Makes its layers."""
        super().__init__()
        outputs = 4 * middle
        self.layers = nn.Sequential(
            *_convolution(1, inputs, middle),
            nn.ReLU(inplace=True),
            *_convolution(3, middle, middle, stride),
            nn.ReLU(inplace=True),
            *_convolution(1, middle, outputs),
        )
        projected = stride > 1 or inputs != outputs
        self.shortcut = (
            nn.Sequential(*_convolution(1, inputs, outputs, stride)) if projected else nn.Identity()
        )

    def forward(self, x: Any) -> Any:
        """Adds the block to its input."""
        return functional.relu(self.layers(x) + self.shortcut(x))


def _convolution(side: int, inputs: int, outputs: int, stride: int = 1) -> list[Any]:
    convolution = nn.Conv2d(inputs, outputs, side, stride, padding=side // 2, bias=False)
    return [convolution, nn.BatchNorm2d(outputs)]


def _resnet(network: Network) -> Any:
    layers = [*_convolution(7, 3, network.width, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, padding=1)]
    inputs = network.width
    for stage, blocks in enumerate(network.blocks):
        middle = network.width << stage
        for block in range(blocks):
            layers.append(Bottleneck(inputs, middle, 2 if stage and not block else 1))
            inputs = 4 * middle
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, network.classes))
