"""What a training step is, whatever the framework."""

from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

from fitfeed.pipelines import Loader


class Network(NamedTuple):
    """The size of a ResNet.

    Attributes:
        blocks: Bottleneck blocks of each stage.
        width: Channels of the stem; the last stage has 32 times as many.
        classes: Classes of the output.
    """

    blocks: tuple[int, ...] = (3, 4, 6, 3)
    width: int = 64
    classes: int = 1000


class TrainingStep(Protocol):
    """A step on a batch that is on the device: forward, backward, update by SGD with momentum."""

    device: str
    """What it computes on."""

    def batches(self, loader: Loader) -> Iterable[Any]:
        """The batches of an epoch, on the device."""

    def __call__(self, images: Any, labels: Any) -> Any:
        """Queues the step; returns what will be the loss."""

    def value(self, loss: Any) -> float:
        """Waits for a loss."""
