"""Functions for `augment` that a worker process can import."""

import os
import signal
import time

import numpy as np

from fitfeed.schemas.payload import Pixels


def mirror(image: Pixels) -> Pixels:
    """What a user may write."""
    return np.ascontiguousarray(image[:, ::-1])


def fail(image: Pixels) -> Pixels:
    """What a user may have got wrong."""
    msg = "no such colour"
    raise KeyError(msg)


def widen(image: Pixels) -> Pixels:
    """Returns an image of another size."""
    return np.concatenate([image, image])


def die(image: Pixels) -> Pixels:
    """As the kernel ends a process when memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)
    return image


def leave(image: Pixels) -> Pixels:
    """Ends the process on its own account."""
    os._exit(3)


def hang(image: Pixels) -> Pixels:
    """Never returns."""
    time.sleep(1000)
    return image


class Unpicklable:
    """A function that can be pickled, but not restored."""

    def __call__(self, image: Pixels) -> Pixels:
        return image

    def __setstate__(self, _state: object) -> None:
        msg = "cannot be restored"
        raise RuntimeError(msg)

    def __getstate__(self) -> dict[str, int]:
        return {"a": 1}
