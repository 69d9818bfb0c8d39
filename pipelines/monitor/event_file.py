"""Writes scalars for TensorBoard, without TensorFlow: TFRecord files of small protobuf messages."""

import os
import struct
import time
from collections.abc import Mapping
from pathlib import Path

from fitfeed.schemas.tfrecord import delimited, frame, varint

VERSION = b"brain.Event:2"
"""What TensorBoard expects in the first record."""


class EventFile:
    """A file of a folder that TensorBoard reads. Each call of `write` adds to it, so a run that is killed leaves a whole file."""

    def __init__(self, folder: Path) -> None:
        """Makes the folder, and a new file in it.

        Args:
            folder: What `tensorboard --logdir` reads, or a folder in it.
        """
        folder.mkdir(parents=True, exist_ok=True)
        name = f"events.out.tfevents.{time.time():.6f}.{os.uname().nodename}.{os.getpid()}.fitfeed"
        self.path = folder / name
        self._append([_event(0, delimited(3, VERSION))])

    def write(self, step: int, scalars: Mapping[str, float]) -> None:
        """Adds values.

        Args:
            step: Number of the step that they belong to.
            scalars: Tag to value.
        """
        self.write_all([(step, scalars)])

    def write_all(self, points: list[tuple[int, Mapping[str, float]]]) -> None:
        """Adds the values of several steps at once."""
        self._append([_event(step, _summary(scalars)) for step, scalars in points])

    def _append(self, events: list[bytes]) -> None:
        with self.path.open("ab") as file:
            for event in events:
                header, footer = frame(event)
                file.write(header + event + footer)


def _event(step: int, content: bytes) -> bytes:
    """Event: double wall_time = 1, int64 step = 2, string file_version = 3, Summary summary = 5."""
    return b"\x09" + struct.pack("<d", time.time()) + b"\x10" + varint(step) + content


def _summary(scalars: Mapping[str, float]) -> bytes:
    """Summary: repeated Value value = 1, of string tag = 1 and float simple_value = 2."""
    values = [
        delimited(1, tag.encode()) + b"\x15" + struct.pack("<f", value) for tag, value in scalars.items()
    ]
    return delimited(5, b"".join(delimited(1, value) for value in values))
