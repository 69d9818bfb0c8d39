"""The line that moves: on a terminal of the system, and one of the test's own with a clock that is set by hand."""

import errno
import io
import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tqdm.utils import disp_len

from fitfeed.output import progress_display
from fitfeed.output.progress_display import ProgressDisplay

ROOT = Path(__file__).parents[3]


class Terminal(io.StringIO):
    """A terminal of 80 columns that keeps all that was drawn."""

    def isatty(self) -> bool:
        return True

    def drawn(self) -> list[str]:
        return [line.strip() for line in self.getvalue().replace("\n", "\r\n\r").split("\r") if line.strip()]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that is set by hand, and no thread that looks at it."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(progress_display, "TICK_S", 3600.0)
    monkeypatch.setattr(progress_display, "QUIET_S", 2.0)
    return now


def test_what_is_over_in_two_seconds_draws_nothing(clock: list[float]) -> None:
    stream = Terminal()
    display = ProgressDisplay(stream)
    display.begin("drawing")
    clock[0] += 1.9
    display.tick()
    display.close()
    assert stream.getvalue() == ""


def test_a_phase_is_drawn_over_and_leaves_nothing(clock: list[float]) -> None:
    stream = Terminal()
    display = ProgressDisplay(stream)
    display.begin("listing", details=lambda seconds: ["5 files"])
    for _ in range(3):
        clock[0] += 1
        display.tick()
    display.begin("planning")  # it is drawn at once: something was there already
    clock[0] += 1
    display.tick()
    display.close()
    assert stream.drawn() == ["listing: 5 files, 2 s", "listing: 5 files, 3 s", "planning: 1 s"]
    assert stream.getvalue().endswith("\r" + " " * len("planning: 1 s") + "\r")
    assert "\n" not in stream.getvalue()


def test_a_bar_has_share_time_left_and_what_fits(clock: list[float]) -> None:
    stream = Terminal()
    display = ProgressDisplay(stream)
    details = ["50/100 images", "5 img/s", "0 rejected", "a detail that is too long for this"]
    display.begin("converting", 100, details=lambda seconds: details, stays=True)
    for i in range(1, 11):
        clock[0] += 1
        display.set(5 * i)
    display.close()
    _, first, *_, last = stream.drawn()
    assert first.startswith("converting   5%|")
    assert "left" not in first
    assert last.startswith("converting  50%|███")
    assert last.endswith("| 50/100 images, 10 s left, 5 img/s, 0 rejected")
    assert {disp_len(line) for line in stream.drawn()} == {79}
    assert stream.getvalue().endswith("0 rejected\n")


def test_a_line_that_stays_is_printed_between(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    display = ProgressDisplay(stream)
    display.begin("listing")
    clock[0] += 3
    display.tick()
    display.print("warning: \x1b[31modd")
    assert stream.getvalue() == "\rlisting: 3 s\r            \rwarning: \\x1b[31modd\n"
    display.close()


def test_titles_of_strangers_cannot_control_the_terminal(clock: list[float]) -> None:
    stream = Terminal()
    display = ProgressDisplay(stream)
    for total in (None, 10):
        display.begin("a\x1b]0;owned\x07{b}\n", total, details=lambda seconds: ["{0}\u202e"])
        clock[0] += 3
        display.tick()
    display.close()
    assert "\x1b" not in stream.getvalue()
    assert "\n" not in stream.getvalue()
    assert r"a\x1b]0;owned\x07{b}\n: {0}\u202e, 3 s" in stream.getvalue()
    assert r"a\x1b]0;owned\x07{b}\n   0%|" in stream.getvalue()


def test_an_encoding_without_blocks_gets_a_bar_of_ascii(clock: list[float]) -> None:
    content = io.BytesIO()
    stream = io.TextIOWrapper(content, encoding="ascii", write_through=True)
    stream.isatty = lambda: True  # type: ignore[method-assign]
    display = ProgressDisplay(stream)
    display.begin("lesen: Blüte", 10, stays=True)
    display.set(5)
    display.close()
    assert rb"lesen: Bl\xfcte  50%|####" in content.getvalue()


PROGRAM = """\
import os, sys, time
from fitfeed.output.progress import phase_progress, progress_for
print(os.get_terminal_size(2).columns)
with progress_for(sys.stderr, quiet="--quiet" in sys.argv) as shown:
    if shown is not None:
        shown.start(images=10, shards=1)
        for i in range(11):
            shown.update(i, 0, i)
        shown.notify("warning: see")
with phase_progress(sys.stderr, "drawing", quiet="--quiet" in sys.argv):
    time.sleep(2.5)
"""


def on_a_terminal(*arguments: str, **variables: str) -> str:
    """All that a program writes to a terminal."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", **variables},
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    written = b""
    try:
        while some := os.read(leader, 65536):
            written += some
    except OSError as error:  # the last process has closed it
        if error.errno != errno.EIO:
            raise
    os.close(leader)
    assert process.wait(60) == 0, written
    return written.decode()


def test_a_real_terminal_gets_bars_and_phases() -> None:
    written = on_a_terminal()
    assert "converting 100%|█" in written
    assert "10/10 images" in written
    assert "\x1b[33mwarning:\x1b[0m see\r\n" in written
    assert "drawing: 2 s" in written
    assert "\x1b" not in on_a_terminal(NO_COLOR="1")


@pytest.mark.slow
def test_quiet_is_nothing_on_a_terminal_too() -> None:
    assert on_a_terminal("--quiet").strip().isdecimal()
