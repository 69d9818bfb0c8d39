"""Hands batches over as tensors of PyTorch."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from typing_extensions import override

from fitfeed.pipelines.feed.batch_maker import as_element
from fitfeed.pipelines.loader.hand_over import BatchArrays, HandOver
from fitfeed.pipelines.options import PipelineOptions
from fitfeed.schemas.errors import UsageError

IMAGE_DIMENSIONS = 4
"""Images and masks, (batch, height, width, channels)."""


class TorchTensors(HandOver[Any]):
    """Tensors on the CPU, which share the memory of the arrays, or on a device."""

    def __init__(
        self, options: PipelineOptions, device: Any, *, channels: str, pin_memory: bool | None
    ) -> None:
        """Checks the arguments.

        Args:
            options: Options of the loader, which say what an element is.
            device: A `torch.device`, its name, or None for the CPU.
            channels: "first" or "last".
            pin_memory: Whether to copy to pinned memory. None: if the device is a CUDA device.

        Raises:
            UsageError: If an argument is wrong.
        """
        check_channels(channels)
        self._device = _usable_device(device)
        is_cuda = self._device.type == "cuda"
        if pin_memory:
            _check_pinning()
        self.sends = self._device.type != "cpu"
        self._options, self._channels_first = options, channels == "first"
        self._pins = is_cuda if pin_memory is None else pin_memory
        # Copies on the stream that the model uses would begin when the model has finished.
        self._stream = torch.cuda.Stream(self._device) if is_cuda else None

    @override
    def prepare(self, arrays: BatchArrays) -> dict[str, Any]:
        return {name: self._as_tensor(array) for name, array in arrays.items()}

    @override
    def send(self, prepared: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
        if self._stream is None:
            return self._moved(prepared), None
        with torch.cuda.stream(self._stream):
            return self._moved(prepared), self._stream.record_event()

    @override
    def receive(self, sent: tuple[dict[str, Any], Any]) -> Any:
        tensors, arrival = sent
        if arrival is not None:
            stream = torch.cuda.current_stream(self._device)
            stream.wait_event(arrival)
            for tensor in tensors.values():
                if isinstance(tensor, torch.Tensor):
                    # Its memory is not reused before this stream has done with it.
                    tensor.record_stream(stream)
        return as_element(tensors, self._options)

    def _as_tensor(self, array: npt.NDArray[Any]) -> Any:
        return as_tensor(array, channels_first=self._channels_first, pins=self._pins)

    def _moved(self, tensors: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: value.to(self._device, non_blocking=True) if isinstance(value, torch.Tensor) else value
            for name, value in tensors.items()
        }


def as_tensor(array: npt.NDArray[Any], *, channels_first: bool, pins: bool = False) -> Any:
    """Makes a tensor of an array of a batch. It shares the array's memory, unless it is pinned.

    Args:
        array: (n, ...). If it has four dimensions, its last is that of channels.
        channels_first: Whether the channels come before height and width; nothing is copied for that.
        pins: Whether to copy to pinned memory.

    Returns:
        The tensor; of keys and texts, a list of str.
    """
    if array.dtype == object:
        return array.tolist()
    if array.dtype.name == "bfloat16":  # this is not a type of NumPy
        tensor = torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    else:
        tensor = torch.from_numpy(array)
    if pins:
        tensor = tensor.pin_memory()
    if channels_first and tensor.ndim == IMAGE_DIMENSIONS:
        tensor = tensor.permute(0, 3, 1, 2)
    return tensor


def shared_counter() -> Any:
    """Makes an int64 tensor with one number, 0, that worker processes of a `DataLoader` see changing."""
    return torch.zeros((), dtype=torch.int64).share_memory_()


def check_channels(channels: str) -> None:
    """Checks the argument `channels`.

    Raises:
        UsageError: If it is neither "first" nor "last".
    """
    if channels not in ("first", "last"):
        msg = f"channels expects 'first' or 'last'. Received: channels={channels!r}"
        raise UsageError(msg)


def _usable_device(device: Any) -> torch.device:
    try:
        usable = torch.device("cpu" if device is None else device)
    except (RuntimeError, TypeError) as error:
        msg = f"device expects a device of PyTorch, such as 'cuda'. Received: device={device!r} ({error})"
        raise UsageError(msg) from error
    if usable.type == "cuda":
        _check_cuda(device, usable.index or 0)
    try:
        torch.empty(1, device=usable)  # only this shows what a build of PyTorch, and the machine, can do
    except (RuntimeError, AssertionError, ImportError) as error:
        msg = f"PyTorch cannot use this device. Received: device={device!r} ({error!s:.200}). Leave it out for tensors on the CPU."
        raise UsageError(msg) from error
    return usable


def _check_cuda(device: Any, index: int) -> None:
    if not torch.cuda.is_available():
        msg = f"PyTorch finds no CUDA device. Received: device={device!r}. Leave it out, or install PyTorch for CUDA."
        raise UsageError(msg)
    if index >= torch.cuda.device_count():
        found = ", ".join(f"'cuda:{number}'" for number in range(torch.cuda.device_count()))
        msg = f"PyTorch finds these CUDA devices: {found}. Received: device={device!r}"
        raise UsageError(msg)


def _check_pinning() -> None:
    try:
        torch.empty(1).pin_memory()
    except RuntimeError as error:
        msg = f"PyTorch can pin no memory here. Received: pin_memory=True ({error!s:.200}). Leave it out."
        raise UsageError(msg) from error
