"""The messages between a process and its workers: one datagram each way for a block of a batch."""

import json
import struct
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from fitfeed.schemas.processes.error_text import ErrorText

_HEADER = struct.Struct("<qqqqqq")

NO_SLOT = -1
"""Says that workers read payloads themselves."""


START = -1
"""Replaces the number of a batch in an answer: the worker could not start."""

READY = -2
"""Replaces it, too: the worker has started."""

MAX_MESSAGE_BYTES = 256 << 10
"""Bytes of a message. A task of 32 images has 552; an answer about 32 damaged images has many more."""

MAX_TEXT = 1000
"""Characters of an error that are sent. 32 such errors have 128 KB at most, which a datagram can hold."""


def no_numbers() -> npt.NDArray[np.int64]:
    """Returns an array without numbers: int64 (0,)."""
    return np.empty(0, np.int64)


@dataclass(frozen=True, kw_only=True)
class Task:
    """A block of a batch to write.

    Attributes:
        job: Number of the batch.
        slot: Number of the slot that the batch is in.
        epoch: Number of the epoch.
        first: Place of the block's first image in the batch.
        examples: int64 (n,), example numbers.
        rng_index: int64 (n,), numbers that augmentations are sampled by.
        payload_slot: Number of the memory that has their payloads, or `NO_SLOT`.
        payload_starts: int64 (n,), where each payload begins there, -1 if it could not be read; or empty.
        payload_lengths: int64 (n,), the bytes of each; or empty.
    """

    job: int
    slot: int
    epoch: int
    first: int
    examples: npt.NDArray[np.int64]
    rng_index: npt.NDArray[np.int64]
    payload_slot: int = NO_SLOT
    payload_starts: npt.NDArray[np.int64] = field(default_factory=no_numbers)
    payload_lengths: npt.NDArray[np.int64] = field(default_factory=no_numbers)

    def encode(self) -> bytes:
        """Writes the task as bytes."""
        count = len(self.examples)
        header = _HEADER.pack(self.job, self.slot, self.epoch, self.first, self.payload_slot, count)
        numbers = (self.examples, self.rng_index, self.payload_starts, self.payload_lengths)
        return b"".join([header, *(each.tobytes() for each in numbers)])

    @classmethod
    def decode(cls, message: bytes) -> "Task":
        """Reads a message from bytes."""
        job, slot, epoch, first, payload_slot, count = _HEADER.unpack_from(message)
        numbers = np.frombuffer(message, np.int64, offset=_HEADER.size)
        return cls(
            job=job,
            slot=slot,
            epoch=epoch,
            first=first,
            examples=numbers[:count],
            rng_index=numbers[count : 2 * count],
            payload_slot=payload_slot,
            payload_starts=numbers[2 * count : 3 * count],
            payload_lengths=numbers[3 * count :],
        )


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The result of a block.

    Attributes:
        job: Number of the batch, `START` or `READY`.
        damaged: Place in the batch to the error text of the damaged image there.
        error: The error that ended the work on the block.
    """

    job: int
    damaged: dict[int, str] = field(default_factory=dict)
    error: ErrorText | None = None

    def encode(self) -> bytes:
        """Writes the answer as bytes. Texts that are too long are cut."""
        number = struct.pack("<q", self.job)
        if not self.damaged and self.error is None:
            return number
        damaged = {place: _shortened(text) for place, text in self.damaged.items()}
        error = None if self.error is None else (self.error.name, _shortened(self.error.text))
        return number + json.dumps([damaged, error], ensure_ascii=False).encode("utf-8", "surrogatepass")

    @classmethod
    def decode(cls, message: bytes) -> "Answer":
        """Reads a message from bytes."""
        (job,) = struct.unpack_from("<q", message)
        if len(message) == 8:
            return cls(job=job)
        damaged, error = json.loads(message[8:].decode("utf-8", "surrogatepass"))
        return cls(
            job=job,
            damaged={int(place): text for place, text in damaged.items()},
            error=None if error is None else ErrorText(*error),
        )

    def exception(self) -> Exception | None:
        """Returns the error, of its own class if that is one of fitfeed's errors."""
        return None if self.error is None else self.error.to_error()


def _shortened(text: str) -> str:
    """Cuts the middle out of a long text: a traceback says at its end what went wrong."""
    if len(text) <= MAX_TEXT:
        return text
    return f"{text[: MAX_TEXT // 2]} ... {text[-MAX_TEXT // 2 :]}"
