"""What each command tells of its progress, and how that is shown."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from typing import TextIO

from fitfeed.output.progress_display import ProgressDisplay


class ReadingProgress:
    """How many bytes of files were read."""

    def __init__(self, display: ProgressDisplay, title: str) -> None:
        """Begins to show what is done.

        Args:
            display: Where to show it.
            title: What is done.
        """
        self._display, self._title = display, title
        self._read = self._total = 0
        display.begin(title)

    def start(self, *, files: int, total_bytes: int) -> None:
        """Says how much there is to read."""
        self._total, self._read = total_bytes, 0
        self._display.begin(self._title, max(1, total_bytes), details=self._details)

    def update(self, read_bytes: int) -> None:
        """Says how many more bytes were read."""
        self._read += read_bytes
        self._display.set(self._read)

    def close(self) -> None:
        """Shows nothing more."""
        self._display.close()

    def _details(self, seconds: float) -> list[str]:
        if self._read >= self._total:
            return [f"{self._total / 1e6:,.0f} MB read", "checking"]
        read, total = (amount / 1e6 for amount in (self._read, self._total))
        return [f"{read:,.0f} of {total:,.0f} MB read", f"{_per_second(read, seconds):.1f} MB/s"]


class PlanningProgress:
    """How many files were listed, and how many bytes were read to compare them with a dataset.

    Nothing is shown before the listing begins: what is wrong on the command line is found before, and answered alone.
    """

    def __init__(self, display: ProgressDisplay) -> None:
        """Shows nothing yet."""
        self._display, self._lock = display, threading.Lock()
        self._files = 0
        self._comparing: ReadingProgress | None = None

    def listing(self) -> None:
        """Says that the listing begins."""
        self._files = 0
        self._display.begin("listing and planning", details=self._details)

    def listed(self, files: int) -> None:
        """Says that so many more files were found, in any thread."""
        with self._lock:
            self._files += files

    def start(self, *, files: int, total_bytes: int) -> None:
        """Says how much there is to read."""
        self._comparing = ReadingProgress(self._display, "comparing")
        self._comparing.start(files=files, total_bytes=total_bytes)

    def update(self, read_bytes: int) -> None:
        """Says how many more bytes were read."""
        if self._comparing is not None:
            self._comparing.update(read_bytes)

    def close(self) -> None:
        """Shows nothing more."""
        self._display.close()

    def _details(self, seconds: float) -> list[str]:
        return [f"{self._files:,} files"] if self._files else []


class ConversionProgress:
    """Images, time left, images/s, rejects and MB/s; before that, how much was listed and compared with a dataset."""

    def __init__(self, stream: TextIO) -> None:
        """Shows nothing yet."""
        self._display = ProgressDisplay(stream)
        self._images = self._shards = 0
        self._done = self._before = self._rejects = self._bytes = self._counted = 0
        self._counts_shards = False
        self._is_finishing = False

    def notify(self, line: str) -> None:
        """Says something before the work begins, which it has something to wait for or to prepare until then."""
        self._display.print(line)
        if not self._images:
            self._display.begin("preparing")

    def comparing(self) -> PlanningProgress:
        """Shows how many files were listed, and how many bytes were read to compare them, if that takes long."""
        return PlanningProgress(self._display)

    def close(self) -> None:
        """Shows nothing more."""
        self._display.close()

    def start(self, *, images: int, shards: int) -> None:
        """Says what is to be done."""
        self._images, self._shards = images, shards
        opening = f"converting {images} images into {shards} shards"
        self._display.begin("converting", images, details=self._image_details, opening=opening, stays=True)

    def update(self, images: int, rejects: int, source_bytes: int) -> None:
        """Says how much is done, all in all."""
        new, read = images - self._done - (rejects - self._rejects), source_bytes - self._bytes
        self._done, self._rejects, self._bytes = images, rejects, source_bytes
        if new > 0 and not read:  # of a shard that an earlier run has finished: nothing of it is read again
            self._before += new
            self._display.skip(new)
        self._show(images, of=self._images)

    def update_shards(self, shards: int, images: int, rejects: int, source_bytes: int) -> None:
        """Says how many shards an engine has finished; of images and bytes only what it tells."""
        if not self._counts_shards:
            self._counts_shards, self._before = True, shards
            details = self._shard_details
            self._display.begin("converting", self._shards, details=details, stays=True, in_large_steps=True)
            self._display.skip(shards)
        self._done, self._counted, self._rejects, self._bytes = shards, images, rejects, source_bytes
        self._show(shards, of=self._shards)

    def _show(self, done: int, *, of: int) -> None:
        """Shows how much is done. When that is all, what follows is publication, of which nothing is told."""
        if self._is_finishing:
            return
        self._display.set(done)
        if done >= of:
            self._is_finishing = True
            self._display.begin("publishing")

    def _image_details(self, seconds: float) -> list[str]:
        speed = _per_second(self._done - self._before, seconds)
        return [f"{self._done:,}/{self._images:,} images", f"{speed:.0f} img/s", *self._rest(seconds)]

    def _shard_details(self, seconds: float) -> list[str]:
        shards = f"{self._done:,}/{self._shards:,} shards"
        if not self._counted:
            return [shards]
        return [shards, f"{_per_second(self._counted, seconds):.0f} img/s", *self._rest(seconds)]

    def _rest(self, seconds: float) -> list[str]:
        return [f"{self._rejects:,} rejected", f"{_per_second(self._bytes / 1e6, seconds):.1f} MB/s"]


class StepProgress:
    """Which step of a few runs. How long one takes is not known, so no time left is shown."""

    def __init__(self, stream: TextIO, steps: Sequence[str]) -> None:
        """Begins.

        Args:
            stream: Where to show it.
            steps: Their names, in order.
        """
        self._display, self._steps = ProgressDisplay(stream), tuple(steps)
        self._step = ""

    def update(self, step: str) -> None:
        """Says that a step begins, or goes on."""
        if step != self._step:
            self._step = step
            where = f"step {self._steps.index(step) + 1} of {len(self._steps)}"
            self._display.begin(step, details=lambda seconds: [where])
        self._display.tick()

    def close(self) -> None:
        """Shows nothing more."""
        self._display.close()


def _per_second(amount: float, seconds: float) -> float:
    return amount / max(seconds, 1.0)  # no speed of a moment


def progress_for(stream: TextIO, *, quiet: bool) -> AbstractContextManager[ConversionProgress | None]:
    """How far a conversion is; closed afterwards."""
    return nullcontext() if quiet else closing(ConversionProgress(stream))


def planning_progress(stream: TextIO, *, quiet: bool) -> AbstractContextManager[PlanningProgress | None]:
    """How far the planning of a conversion is; closed afterwards."""
    return nullcontext() if quiet else closing(PlanningProgress(ProgressDisplay(stream)))


def reading_progress(
    stream: TextIO, title: str, *, quiet: bool
) -> AbstractContextManager[ReadingProgress | None]:
    """How many bytes were read for what the title says; closed afterwards."""
    return nullcontext() if quiet else closing(ReadingProgress(ProgressDisplay(stream), title))


@contextmanager
def phase_progress(stream: TextIO, title: str, *, quiet: bool) -> Iterator[None]:
    """That something is done of which nothing is counted, and for how long already."""
    if quiet:
        yield
        return
    with closing(ProgressDisplay(stream)) as display:
        display.begin(title)
        yield


@contextmanager
def step_progress(stream: TextIO, steps: Sequence[str], *, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Which step of a few runs: to be called with each as it begins, and while it goes on."""
    if quiet:
        yield lambda step: None
        return
    with closing(StepProgress(stream, steps)) as shown:
        yield shown.update
