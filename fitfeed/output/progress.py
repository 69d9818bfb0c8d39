"""Progress of a conversion or a reading: a bar on a terminal, a plain line now and then elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn, TextIO

from tqdm import tqdm

LINE_INTERVAL_S = 10.0


class Bar:
    """A tqdm bar: images, images/s, MB/s, rejects and time left."""

    def __init__(self, stream: TextIO) -> None:
        """Takes the terminal."""
        self._stream = stream
        self._bar: tqdm[NoReturn] | None = None
        self._started = time.monotonic()

    def start(self, *, images: int, shards: int) -> None:
        """Shows the bar."""
        self._started = time.monotonic()
        self._bar = tqdm(
            total=images,
            unit="img",
            unit_scale=True,
            file=self._stream,
            desc=f"{shards} shards",
            dynamic_ncols=True,
        )

    def update(self, images: int, rejects: int, source_bytes: int) -> None:
        """Moves the bar."""
        if self._bar is None:
            return
        self._bar.set_postfix_str(
            f"{_megabytes_per_s(source_bytes, self._started):.1f} MB/s, {rejects} rejected", refresh=False
        )
        self._bar.update(images - self._bar.n)

    def close(self) -> None:
        """Leaves the bar as it is."""
        if self._bar is not None:
            self._bar.close()


class Lines:
    """One line when it starts, and one every ten seconds."""

    def __init__(self, stream: TextIO) -> None:
        """Takes the stream."""
        self._stream = stream
        self._total = 0
        self._started = self._last = time.monotonic()

    def start(self, *, images: int, shards: int) -> None:
        """Says what is to be done."""
        self._total = images
        self._started = self._last = time.monotonic()
        print(f"converting {images} images into {shards} shards", file=self._stream, flush=True)

    def update(self, images: int, rejects: int, source_bytes: int) -> None:
        """Says how far it is, if the last line is old enough."""
        now = time.monotonic()
        if now - self._last < LINE_INTERVAL_S:
            return
        self._last = now
        rate = images / (now - self._started)
        left = (self._total - images) / rate if rate else float("inf")
        print(
            f"{images}/{self._total} images, {rate:.0f} img/s, {_megabytes_per_s(source_bytes, self._started):.1f} MB/s, {rejects} rejected, {left:.0f} s left",
            file=self._stream,
            flush=True,
        )

    def close(self) -> None:
        """Has nothing to do."""


def _megabytes_per_s(source_bytes: int, started: float) -> float:
    return source_bytes / 1e6 / max(time.monotonic() - started, 1e-9)


@contextmanager
def progress_for(stream: TextIO, *, quiet: bool) -> Iterator[Bar | Lines | None]:
    """Chooses how to show progress, and tidies up after it."""
    if quiet:
        yield None
        return
    shown = Bar(stream) if stream.isatty() else Lines(stream)
    try:
        yield shown
    finally:
        shown.close()


class ReadingBar:
    """A tqdm bar of bytes; none where all is done within a second."""

    def __init__(self, stream: TextIO) -> None:
        """Takes the terminal."""
        self._stream = stream
        self._bar: tqdm[NoReturn] | None = None

    def start(self, *, files: int, total_bytes: int) -> None:
        """Shows the bar, soon."""
        self._bar = tqdm(
            total=total_bytes,
            unit="B",
            unit_scale=True,
            unit_divisor=1024,
            file=self._stream,
            desc=f"{files} files",
            dynamic_ncols=True,
            delay=1.0,
        )

    def update(self, read_bytes: int) -> None:
        """Moves the bar."""
        if self._bar is not None:
            self._bar.update(read_bytes)

    def close(self) -> None:
        """Leaves the bar as it is."""
        if self._bar is not None:
            self._bar.close()


class ReadingLines:
    """One line every ten seconds."""

    def __init__(self, stream: TextIO) -> None:
        """Takes the stream."""
        self._stream = stream
        self._total = self._read = 0
        self._started = self._last = time.monotonic()

    def start(self, *, files: int, total_bytes: int) -> None:
        """Keeps the total."""
        self._total = total_bytes

    def update(self, read_bytes: int) -> None:
        """Says how far it is, if the last line is old enough."""
        self._read += read_bytes
        now = time.monotonic()
        if now - self._last < LINE_INTERVAL_S:
            return
        self._last = now
        left = (self._total - self._read) * (now - self._started) / max(1, self._read)
        print(
            f"{self._read / 1e6:.0f} of {self._total / 1e6:.0f} MB read, {_megabytes_per_s(self._read, self._started):.1f} MB/s, {left:.0f} s left",
            file=self._stream,
            flush=True,
        )

    def close(self) -> None:
        """Has nothing to do."""


@contextmanager
def reading_progress(stream: TextIO, *, quiet: bool) -> Iterator[ReadingBar | ReadingLines | None]:
    """Chooses how to show how much of a dataset was read, and tidies up after it."""
    if quiet:
        yield None
        return
    shown = ReadingBar(stream) if stream.isatty() else ReadingLines(stream)
    try:
        yield shown
    finally:
        shown.close()
