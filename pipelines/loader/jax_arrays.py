"""Hands batches over as arrays of JAX."""

from typing import Any

import jax
import numpy as np
import numpy.typing as npt
from typing_extensions import override

from fitfeed.pipelines.feed.batch_maker import as_element
from fitfeed.pipelines.loader.hand_over import BatchArrays, HandOver
from fitfeed.pipelines.options import PipelineOptions


class JaxArrays(HandOver[Any]):
    """Arrays on a device, or on several by a sharding.

    JAX copies in the background, and holds what it copies from until that is done. On the CPU it may use the memory of an
    array as it is, and holds the array then.
    """

    sends = True

    def __init__(self, options: PipelineOptions, device: Any) -> None:
        """Takes options and device.

        Args:
            options: Options of the loader, which say what an element is.
            device: A `jax.Device`, a `jax.sharding.Sharding`, or None.
        """
        self._options, self._device = options, device

    @override
    def send(self, prepared: BatchArrays) -> dict[str, Any]:
        return {name: self._moved(array) for name, array in prepared.items()}

    @override
    def receive(self, sent: dict[str, Any]) -> Any:
        return as_element(sent, self._options)

    def _moved(self, array: npt.NDArray[Any]) -> Any:
        if array.dtype == np.dtype(object):
            return array
        if isinstance(self._device, jax.sharding.Sharding):  # of several processes, too
            return jax.make_array_from_process_local_data(self._device, array)  # type: ignore[no-untyped-call]
        return jax.device_put(array, self._device)
