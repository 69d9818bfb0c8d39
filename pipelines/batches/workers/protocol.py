"""What goes between a process that makes batches and its workers: one datagram each way for a block."""

import json
import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fitfeed.schemas import errors
from fitfeed.schemas.errors import FitfeedError

_HEADER = struct.Struct("<qqqqq")

START = -1
"""In the place of a job's number: the worker could not start."""

MAX_MESSAGE_BYTES = 256 << 10
"""Bytes of a message. A task of 32 images has 552; an answer about as many damaged ones much more."""

MAX_TEXT = 1000
"""Characters of an error that are passed on: 32 of them are 128 KB at most, which a datagram holds."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A block of a batch to fill.

    Attributes:
        job: Number of the batch.
        slot: Where its memory is.
        epoch: Number of the epoch.
        first: Place of the block's first image in the batch.
        examples: int64 (n,), example numbers.
        rng_index: int64 (n,), numbers that augmentations draw by.
    """

    job: int
    slot: int
    epoch: int
    first: int
    examples: npt.NDArray[np.int64]
    rng_index: npt.NDArray[np.int64]

    def encode(self) -> bytes:
        """As bytes."""
        header = _HEADER.pack(self.job, self.slot, self.epoch, self.first, len(self.examples))
        return header + self.examples.tobytes() + self.rng_index.tobytes()

    @classmethod
    def decode(cls, message: bytes) -> "Task":
        """From bytes."""
        job, slot, epoch, first, count = _HEADER.unpack_from(message)
        numbers = np.frombuffer(message, np.int64, offset=_HEADER.size)
        return cls(
            job=job, slot=slot, epoch=epoch, first=first, examples=numbers[:count], rng_index=numbers[count:]
        )


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What became of a block.

    Attributes:
        job: Number of the batch, or `START`.
        damaged: Place in the batch to what is wrong with the image there.
        error: Class and text of what ended the work on it.
    """

    job: int
    damaged: dict[int, str] = field(default_factory=dict)
    error: tuple[str, str] | None = None

    def encode(self) -> bytes:
        """As bytes. Texts that are too long are cut."""
        number = struct.pack("<q", self.job)
        if not self.damaged and self.error is None:
            return number
        damaged = {place: _shortened(text) for place, text in self.damaged.items()}
        error = None if self.error is None else (self.error[0], _shortened(self.error[1]))
        return number + json.dumps([damaged, error], ensure_ascii=False).encode("utf-8", "surrogatepass")

    @classmethod
    def decode(cls, message: bytes) -> "Answer":
        """From bytes."""
        (job,) = struct.unpack_from("<q", message)
        if len(message) == 8:
            return cls(job=job)
        damaged, error = json.loads(message[8:].decode("utf-8", "surrogatepass"))
        return cls(
            job=job,
            damaged={int(place): text for place, text in damaged.items()},
            error=None if error is None else tuple(error),
        )

    def exception(self) -> Exception | None:
        """The error, as one of ours again where it was one."""
        if self.error is None:
            return None
        name, text = self.error
        kind: Any = getattr(errors, name, None)
        if isinstance(kind, type) and issubclass(kind, FitfeedError):
            return kind(text)
        return RuntimeError(f"a worker process failed:\n{text}")


def _shortened(text: str) -> str:
    """Begin and end of a text: a traceback says at its end what went wrong."""
    if len(text) <= MAX_TEXT:
        return text
    return f"{text[: MAX_TEXT // 2]} ... {text[-MAX_TEXT // 2 :]}"
