"""What each command tells of its progress, and how that is shown."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TextIO

from fitfeed.output.progress_display import ProgressDisplay


class ReadingProgress:
    """How many bytes of files were read."""

    def __init__(self, display: ProgressDisplay, title: str, *, afterwards: str = "checking") -> None:
        """Begins to show what is done.

        Args:
            display: Where to show it.
            title: What is done.
            afterwards: What is done when all is read.
        """
        self._display, self._title, self._afterwards = display, title, afterwards
        self._read = self._total = 0
        display.begin(title)

    def start(self, *, files: int, total_bytes: int) -> None:
        """Says how much there is to read."""
        self._total, self._read = total_bytes, 0
        if total_bytes:
            self._display.begin(self._title, total_bytes, details=self._details)

    def update(self, read_bytes: int) -> None:
        """Says how many more bytes were read. When that is all, of what follows nothing is told."""
        before, self._read = self._read, self._read + read_bytes
        if before < self._total <= self._read:
            self._display.begin(self._afterwards)
        else:
            self._display.set(self._read)

    def close(self) -> None:
        """Shows nothing more."""
        self._display.close()

    def _details(self, seconds: float) -> list[str]:
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
        self._comparing = ReadingProgress(self._display, "comparing", afterwards="planning")
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


@dataclass
class _Launch:
    """What was told of the launch that works now: this one, or an earlier one that it follows.

    Attributes:
        images: How many there are; 0 before the work begins.
        shards: How many there are.
        started: When the work began.
        done: Images that are done, or shards if those are counted.
        before: Images of them that an earlier run has finished.
        counted: Images that an engine tells of.
        rejects: Rejects among the images.
        bytes: Bytes of sources that were read.
        counts_shards: Whether shards are counted.
        is_finishing: Whether all is done but the publication.
    """

    images: int = 0
    shards: int = 0
    started: float = 0.0
    done: int = 0
    before: int = 0
    counted: int = 0
    rejects: int = 0
    bytes: int = 0
    counts_shards: bool = False
    is_finishing: bool = False


class ConversionProgress:
    """Images, time left, images/s, rejects and MB/s; before that, how much was listed and compared with a dataset."""

    def __init__(self, stream: TextIO) -> None:
        """Shows nothing yet."""
        self._display = ProgressDisplay(stream)
        self._launch = _Launch()

    def notify(self, line: str) -> None:
        """Says something before the work begins, which it has something to wait for or to prepare until then.

        What is said after shards were counted is the end of a launch that was followed: this one prepares its own work.
        """
        self._display.print(line)
        if self._launch.counts_shards:
            self._launch = _Launch()
        if not self._launch.images:
            self._display.begin("preparing", replaces=True)

    def comparing(self) -> PlanningProgress:
        """Shows how many files were listed, and how many bytes were read to compare them, if that takes long."""
        return PlanningProgress(self._display)

    def close(self) -> None:
        """Shows nothing more."""
        self._display.close()

    def start(self, *, images: int, shards: int) -> None:
        """Says what is to be done. Nothing counts that was told of a launch before."""
        self._launch = _Launch(images, shards, started=time.monotonic())
        self._display.begin(
            "converting",
            images,
            details=self._image_details,
            opening=f"converting {images} images into {shards} shards",
            stays=True,
            replaces=True,
        )

    def update(self, images: int, rejects: int, source_bytes: int) -> None:
        """Says how much is done, all in all."""
        now = self._launch
        new, read = images - now.done - (rejects - now.rejects), source_bytes - now.bytes
        now.done, now.rejects, now.bytes = images, rejects, source_bytes
        if new > 0 and not read:  # of a shard that an earlier run has finished: nothing of it is read again
            now.before += new
            self._display.skip(new)
        self._show(of=now.images)

    def update_shards(self, shards: int, images: int, rejects: int, source_bytes: int) -> None:
        """Says how many shards an engine has finished; of images and bytes only what it tells."""
        now = self._launch
        now.done, now.counted, now.rejects, now.bytes = shards, images, rejects, source_bytes
        if not now.counts_shards:
            now.counts_shards = True
            self._display.begin(
                "converting",
                now.shards,
                details=self._shard_details,
                stays=True,
                in_large_steps=True,
                replaces=True,
            )
            self._display.skip(shards)
        self._show(of=now.shards)

    def _show(self, *, of: int) -> None:
        """Shows how much is done. When that is all, what follows is publication, of which nothing is told."""
        if self._launch.is_finishing:
            return
        self._display.set(self._launch.done)
        if self._launch.done >= of:
            self._launch.is_finishing = True
            self._display.begin("publishing")

    def _image_details(self, seconds: float) -> list[str]:
        now = self._launch
        speed = _per_second(now.done - now.before, seconds)
        return [f"{now.done:,}/{now.images:,} images", f"{speed:.0f} img/s", *self._rest(seconds)]

    def _shard_details(self, seconds: float) -> list[str]:
        now = self._launch
        shards = f"{now.done:,}/{now.shards:,} shards"
        if not now.counted:
            return [shards]
        # Images and bytes were counted before the first report of shards.
        seconds = time.monotonic() - now.started
        return [shards, f"{_per_second(now.counted, seconds):.0f} img/s", *self._rest(seconds)]

    def _rest(self, seconds: float) -> list[str]:
        now = self._launch
        return [f"{now.rejects:,} rejected", f"{_per_second(now.bytes / 1e6, seconds):.1f} MB/s"]


class FileProgress:
    """How many files were looked at. Bytes are not counted: of some all is read, and of others a part."""

    def __init__(self, display: ProgressDisplay, title: str, files: int) -> None:
        """Begins.

        Args:
            display: Where to show it.
            title: What is done.
            files: How many there are.
        """
        self._display, self._files = display, files
        self._done = 0
        display.begin(title, files, details=lambda seconds: [f"{self._done:,}/{self._files:,} files"])

    def update(self) -> None:
        """Says that one more was looked at."""
        self._done += 1
        self._display.set(self._done)

    def close(self) -> None:
        """Shows nothing more."""
        self._display.close()


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
def file_progress(stream: TextIO, title: str, files: int, *, quiet: bool) -> Iterator[Callable[[], None]]:
    """How many files were looked at for what the title says: to be called after each."""
    if quiet:
        yield lambda: None
        return
    with closing(FileProgress(ProgressDisplay(stream), title, files)) as shown:
        yield shown.update


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
