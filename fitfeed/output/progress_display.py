"""The line that says where a work is: one that moves on a terminal, and a plain one now and then elsewhere.

A thread draws it, so that the seconds go on where nothing is told for a while. What takes no longer than two seconds shows
nothing.

On a terminal:  converting  45%|████▌     | 450/1,000 images, 40 s left, 12 img/s, 2 rejected
                listing and planning: 120,000 files, 14 s
Elsewhere:      converting: 450/1,000 images, 12 img/s, 2 rejected, 40 s left
"""

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TextIO

from tqdm import tqdm
from tqdm.utils import disp_len, disp_trim

from fitfeed.output.terminal import escaped, has_blocks, print_lines
from fitfeed.output.time_left import TimeLeft, duration

TICK_S = 0.2
"""Seconds between two looks at whether something is to be drawn."""

REDRAW_S = 0.1
"""Seconds between two drawings, at least."""

QUIET_S = 2.0
"""Seconds of silence after which a line says what is being done."""

LINE_INTERVAL_S = 10.0
"""Seconds between two plain lines about the same."""

MIN_BAR = 10
"""Columns of a bar. If there are fewer, details are left out."""

Details = Callable[[float], Sequence[str]]
"""What is known of a phase after so many seconds, the most important first."""


class Phase:
    """What is being done now.

    Attributes:
        title: What that is.
        total: How much there is to do; None if that is not known.
        details: Says how far it is.
        started: When it began.
        done: How much is done.
        left: Foretells its end.
        stays: Whether the last line stays on the terminal.
    """

    def __init__(
        self, title: str, total: float | None, details: Details, *, stays: bool, in_large_steps: bool
    ) -> None:
        """Begins now; arguments are the attributes."""
        self.title, self.total, self.details, self.stays = title, total, details, stays
        self.started = time.monotonic()
        self.done = 0.0
        self.left = TimeLeft(self.started, in_large_steps=in_large_steps)

    def text(self, now: float, *, is_plain: bool) -> list[str]:
        """The parts of its line, without title and bar."""
        parts = list(self.details(now - self.started))
        if self.total is None:
            seconds = now - self.started
            return [*parts, duration(seconds)] if seconds >= 1 else parts
        left = self.left.seconds(now, self.total)
        if left is not None:
            parts.insert(len(parts) if is_plain else 1, f"{duration(left)} left")
        return parts


class ProgressDisplay:
    """Shows the phases of a work, one after the other. Safe to use from several threads."""

    def __init__(self, stream: TextIO) -> None:
        """Shows nothing yet."""
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._lock = threading.RLock()
        self._phase: Phase | None = None
        self._drawn = ""
        self._last = time.monotonic()  # when something was printed, or the first phase began
        self._next_line = self._last + QUIET_S
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(
        self,
        title: str,
        total: float | None = None,
        *,
        details: Details = lambda seconds: (),
        opening: str | None = None,
        stays: bool = False,
        in_large_steps: bool = False,
        replaces: bool = False,
    ) -> None:
        """Begins a phase, which ends the one before.

        Args:
            title: What is done in it.
            total: How much there is to do; None if that is not known, or nothing is counted.
            details: Says how far it is.
            opening: What a plain line says at once.
            stays: Whether its last line stays on a terminal, where its first one is drawn at once.
            in_large_steps: What is done is told rarely.
            replaces: It is drawn over the one before, even if the line of that was to stay.
        """
        with self._lock:
            if not replaces:
                self._finish_line()
            is_first = self._phase is None
            self._phase = Phase(title, total, details, stays=stays, in_large_steps=in_large_steps)
            now = self._phase.started
            self._last = now if is_first else self._last
            if opening is not None and not self._is_terminal:
                self._print(opening)
                self._next_line = now + LINE_INTERVAL_S
            else:
                self._next_line = max(now, self._last + QUIET_S)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="progress", daemon=True)
                self._thread.start()
            self.tick()

    def set(self, done: float) -> None:
        """Says how much of the phase is done."""
        with self._lock:
            if self._phase is not None:
                self._phase.done = done
                self._phase.left.saw(time.monotonic(), done)
                self.tick()

    def skip(self, amount: float) -> None:
        """Says that so much of the phase had been done by an earlier run."""
        with self._lock:
            if self._phase is not None:
                self._phase.left.skip(amount)

    def print(self, line: str) -> None:
        """Prints a line that stays."""
        with self._lock:
            self._erase()
            self._print(line)

    def tick(self) -> None:
        """Draws the line, or prints one, if it is time to."""
        with self._lock:
            now, phase = time.monotonic(), self._phase
            if phase is None:
                return
            if not self._is_terminal:
                if now >= self._next_line:
                    self._print(_joined(phase.title, phase.text(now, is_plain=True)))
                    self._next_line = now + LINE_INTERVAL_S
            elif now >= self._last + (REDRAW_S if self._drawn else 0 if phase.stays else QUIET_S):
                self._draw(phase, now)

    def close(self) -> None:
        """Ends the last phase."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()
        with self._lock:
            self._finish_line()
            self._phase = None
            self._erase()

    def _run(self) -> None:
        while not self._closed.wait(TICK_S):
            self.tick()

    def _finish_line(self) -> None:
        """Leaves the line of a phase whose line stays. Another one is drawn over."""
        if self._phase is not None and self._phase.stays and self._is_terminal:
            self._draw(self._phase, time.monotonic())
            self._write("\n")
            self._drawn = ""

    def _print(self, line: str) -> None:
        with suppress(OSError):
            print_lines([line], self._stream)
        self._last = time.monotonic()

    def _write(self, text: str) -> None:
        """Writes to the terminal. A work goes on if that is gone, or the disk of a log is full."""
        with suppress(OSError):
            self._stream.write(text)
            self._stream.flush()

    def _erase(self) -> None:
        if self._drawn:
            self._write(f"\r{' ' * disp_len(self._drawn)}\r")
            self._drawn = ""

    def _draw(self, phase: Phase, now: float) -> None:
        title, width = escaped(phase.title, self._stream), self._width()
        parts = [escaped(part, self._stream) for part in phase.text(now, is_plain=False)]
        if phase.total is None:
            line = disp_trim(_joined(title, parts), width)
        else:
            line = self._bar(title, phase, parts, width)
        rest = " " * max(0, disp_len(self._drawn) - disp_len(line))
        self._write(f"\r{line}{rest}")
        self._drawn, self._last = line, now

    def _bar(self, title: str, phase: Phase, parts: list[str], width: int) -> str:
        """Title, share, bar, and as many details as leave room for the bar. The texts are escaped already."""
        total = phase.total or 1
        before = f"{title} {min(1, phase.done / total):4.0%}"
        while len(parts) > 1 and disp_len(f"{before}|| {', '.join(parts)}") + MIN_BAR > width:
            parts.pop()
        # Braces are how a format is written, and a title may have some.
        before, after = (text.replace("{", "{{").replace("}", "}}") for text in (before, ", ".join(parts)))
        return tqdm.format_meter(
            min(phase.done, total),
            total,
            0.0,
            ncols=width,
            ascii=not has_blocks(self._stream),
            bar_format=f"{before}|{{bar}}| {after}",
        )

    def _width(self) -> int:
        """The columns that may be written to: a full line would move the cursor to the next one."""
        try:
            columns = os.get_terminal_size(self._stream.fileno()).columns
        except (OSError, ValueError):  # a stream of a test or an editor
            columns = 0
        return (columns or 80) - 1


def _joined(title: str, parts: Sequence[str]) -> str:
    return f"{title}: {', '.join(parts)}" if parts else title
