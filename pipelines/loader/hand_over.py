"""How the arrays of a batch reach the one who asked for them: in which form, and on which device."""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import numpy.typing as npt
from typing_extensions import override

from fitfeed.pipelines.feed.batch_maker import as_element
from fitfeed.pipelines.options import PipelineOptions

T = TypeVar("T")

BatchArrays = Mapping[str, npt.NDArray[Any]]
"""What `BatchMaker.make` returns."""


class HandOver(Generic[T]):
    """The three steps of a batch from arrays to what is returned.

    `prepare` runs in a thread that makes batches, the others in the thread that asks for them. Where `sends`, a batch is sent
    while the one before it is used:

        next() returns 5       |  the model works on 5  |   next() returns 6
        ... receive 5, send 6  |  6 is on its way       |   receive 6, send 7 ...

    Attributes:
        sends: Whether sending takes time, and is worth beginning early.
    """

    sends: bool = False

    def prepare(self, arrays: BatchArrays) -> Any:
        """Does what takes time on this machine."""
        return arrays

    def send(self, prepared: Any) -> Any:
        """Begins the way to the device, and does not wait for its end."""
        return prepared

    def receive(self, sent: Any) -> T:
        """Returns the batch, which may be used from now on."""
        raise NotImplementedError


class AsArrays(HandOver[Any]):
    """Hands over the arrays themselves."""

    def __init__(self, options: PipelineOptions) -> None:
        """Takes the options, which say what an element is."""
        self._options = options

    @override
    def receive(self, sent: BatchArrays) -> Any:
        return as_element(sent, self._options)
