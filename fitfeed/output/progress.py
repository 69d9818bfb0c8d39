"""Progress of a conversion or a reading: a bar on a terminal, a plain line now and then elsewhere."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from typing import Any, NoReturn, TextIO

from tqdm import tqdm
from typing_extensions import override

from fitfeed.output.terminal import print_lines

LINE_INTERVAL_S = 10.0


class ProgressDisplay:
    """A tqdm bar on a terminal, else a line every ten seconds."""

    def __init__(self, stream: TextIO) -> None:
        """Remembers the stream. Nothing is shown before the work begins."""
        self._stream = stream
        self._bar: tqdm[NoReturn] | None = None
        self._total = self._before = 0  # the latter had been done by an earlier run
        self._started = self._last = time.monotonic()

    def _begin(self, total: int, *, opening: str | None = None, **bar_options: Any) -> None:
        """Shows the bar, or the opening line if there is one."""
        self._total = total
        self._started = self._last = time.monotonic()
        if self._stream.isatty():
            self._bar = tqdm(
                total=total, unit_scale=True, file=self._stream, dynamic_ncols=True, **bar_options
            )
        elif opening is not None:
            self._print(opening)

    def _show(self, done: int, line: str, *, postfix: str | None = None, has_end: bool = True) -> None:
        """Moves the bar, or prints a line, with the time left if there is an end to see, if the last one is ten seconds old."""
        if self._bar is not None:
            if postfix is not None:
                self._bar.set_postfix_str(postfix, refresh=False)
            self._bar.update(done - self._bar.n)
        elif (now := time.monotonic()) - self._last >= LINE_INTERVAL_S:
            self._last = now
            left = self._seconds_left(done) if has_end else None
            self._print(line if left is None else f"{line}, {left:.0f} s left")

    def close(self) -> None:
        """Leaves the bar as it is."""
        if self._bar is not None:
            self._bar.close()

    def _print(self, line: str) -> None:
        print_lines([line], self._stream)

    def _per_second(self, amount: float) -> float:
        return amount / max(time.monotonic() - self._started, 1e-9)

    def _seconds_left(self, done: int) -> float | None:
        """Seconds that the rest takes at the same speed; None while nothing is known of it."""
        here = done - self._before
        return (self._total - done) / self._per_second(here) if here > 0 else None


class ConversionProgress(ProgressDisplay):
    """Images, images/s, MB/s, rejects and time left; before that, how much was read to compare files with a dataset."""

    _comparing: "ReadingProgress | None" = None
    _shards = 0
    _counts_shards = False

    def notify(self, line: str) -> None:
        """Says something before the work begins."""
        self._print(line)

    def comparing(self) -> "ReadingProgress":
        """Shows how many bytes were read, if that takes long."""
        self._comparing = ReadingProgress(self._stream)
        return self._comparing

    @override
    def close(self) -> None:
        if self._comparing is not None:
            self._comparing.close()
        super().close()

    def start(self, *, images: int, shards: int) -> None:
        """Says what is to be done."""
        if self._comparing is not None:
            self._comparing.close()
        self._shards = shards
        opening = f"converting {images} images into {shards} shards"
        self._begin(images, opening=opening, unit="img", desc=f"{shards} shards")

    def update(self, images: int, rejects: int, source_bytes: int) -> None:
        """Says how much is done, all in all."""
        rest = f"{self._per_second(source_bytes / 1e6):.1f} MB/s, {rejects} rejected"
        line = f"{images}/{self._total} images, {self._per_second(images):.0f} img/s, {rest}"
        self._show(images, line, postfix=rest)

    def update_shards(self, shards: int, images: int, rejects: int, source_bytes: int) -> None:
        """Says how many shards an engine has finished; of images and bytes only what it tells."""
        if not self._counts_shards:
            self._count_shards(shards)
        rest = f"{self._per_second(source_bytes / 1e6):.1f} MB/s, {rejects} rejected" if images else None
        line = f"{shards}/{self._total} shards"
        if rest is not None:
            line += f", {self._per_second(images):.0f} img/s, {rest}"
        self._show(shards, line, postfix=rest)

    def _count_shards(self, finished: int) -> None:
        """From now on the bar, and the time left, are of shards. Those that are finished tell nothing of the speed."""
        self._counts_shards, self._total, self._before = True, self._shards, finished
        if self._bar is not None:
            self._bar.unit = "shard"
            self._bar.initial = finished
            self._bar.reset(total=self._shards)


class ReadingProgress(ProgressDisplay):
    """Bytes of files. All that is read within a second shows nothing."""

    _read = 0

    def start(self, *, files: int, total_bytes: int) -> None:
        """Says how much there is."""
        self._begin(total_bytes, unit="B", unit_divisor=1024, desc=f"{files} files", delay=1.0)

    def update(self, read_bytes: int) -> None:
        """Says how many more bytes were read."""
        self._read += read_bytes
        read, total = (amount / 1e6 for amount in (self._read, self._total))
        self._show(self._read, f"{read:.0f} of {total:.0f} MB read, {self._per_second(read):.1f} MB/s")


class StepProgress(ProgressDisplay):
    """Which step of a few runs. How long one takes is not known, so no time left is shown."""

    _steps: tuple[str, ...] = ()

    def start(self, steps: Sequence[str]) -> None:
        """Says which steps there are."""
        self._steps = tuple(steps)
        self._begin(len(steps), unit="step", bar_format="{desc}: {n_fmt}/{total_fmt} {elapsed}", delay=1.0)

    def update(self, step: str) -> None:
        """Says that a step begins, or goes on."""
        number = self._steps.index(step)
        if self._bar is not None:
            self._bar.set_description_str(step, refresh=False)
        self._show(number, f"{step}: step {number + 1} of {self._total}", has_end=False)


def progress_for(stream: TextIO, *, quiet: bool) -> AbstractContextManager[ConversionProgress | None]:
    """How far a conversion is; closed afterwards."""
    return nullcontext() if quiet else closing(ConversionProgress(stream))


def reading_progress(stream: TextIO, *, quiet: bool) -> AbstractContextManager[ReadingProgress | None]:
    """How much of a dataset was read; closed afterwards."""
    return nullcontext() if quiet else closing(ReadingProgress(stream))


@contextmanager
def step_progress(stream: TextIO, steps: Sequence[str], *, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Which step of a few runs: to be called with each as it begins, and while it goes on."""
    if quiet:
        yield lambda step: None
        return
    with closing(StepProgress(stream)) as shown:
        shown.start(steps)
        yield shown.update
