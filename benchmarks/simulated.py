"""More CPUs than this machine has: work that holds no lock is replaced by waiting as long as it takes.

What is left is real: the Python code that holds the interpreter lock, messages, locks and wake-ups.
"""

import contextlib
import time
from collections.abc import Iterator
from typing import Any
from unittest import mock

import cv2
import numpy as np
import numpy.typing as npt
import simplejpeg

from fitfeed.pipelines.arrays.pixel_loops import ScaleLoop
from fitfeed.pipelines.batches.writer_threads import Damaged
from fitfeed.schemas.payload import Pixels


@contextlib.contextmanager
def waiting(seconds: float) -> Iterator[None]:
    """Replaces what decodes, resizes, flips and normalises, and does it without the interpreter lock.

    Args:
        seconds: What all of them together take for an image, waited for in the place of decoding. 0: no
            wait at all.
    """

    def decode(data: Any, *, buffer: Pixels, **options: Any) -> Pixels:
        if seconds:
            time.sleep(seconds)
        if "min_height" in options:
            height, width = options["min_height"], options["min_width"]
        else:
            height, width, *_ = simplejpeg.decode_jpeg_header(data)
        return buffer[: height * width * 3].reshape(height, width, 3)

    def leave(*_arguments: Any, dst: Any = None, **_options: Any) -> Any:
        return dst

    with (
        mock.patch.object(simplejpeg, "decode_jpeg", decode),
        mock.patch.object(cv2, "resize", leave),
        mock.patch.object(cv2, "flip", leave),
        mock.patch.object(ScaleLoop, "__call__", leave),
        mock.patch.object(np, "copyto", leave),
    ):
        yield


class Waiting:
    """In the place of a `Renderer` in a worker process: waits as long as that would work."""

    def __init__(self, seconds: float) -> None:
        """Takes the CPU time of an image, all of it: each process has a lock of its own."""
        self._seconds = seconds

    def render(
        self,
        _epoch: int,
        examples: npt.NDArray[np.int64],
        _rng_index: npt.NDArray[np.int64],
        *,
        out: npt.NDArray[Any],
        payloads: object = None,
    ) -> Damaged:
        """Writes nothing."""
        time.sleep(self._seconds * len(examples))
        return {}
