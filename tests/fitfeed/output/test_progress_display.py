"""The line that moves: on a terminal of the system, and one of the test's own with a clock that is set by hand."""

import codecs
import errno
import io
import os
import pty
import re
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tqdm.utils import disp_len

from fitfeed.output.progress import progress_for
from fitfeed.output.progress_display import ProgressDisplay
from tests.waiting import MAX_SECONDS

ROOT = Path(__file__).parents[3]


class Terminal(io.StringIO):
    """A terminal of 80 columns that keeps all that was drawn."""

    def isatty(self) -> bool:
        return True

    def drawn(self) -> list[str]:
        return [line.strip() for line in self.getvalue().replace("\n", "\r\n\r").split("\r") if line.strip()]


def lines_that_stay(stream: Terminal) -> list[str]:
    """What is on the terminal when all is over. What is drawn over a line covers it, or blanks do."""
    lines = [line.rpartition("\r")[2] for line in stream.getvalue().split("\n")]
    return [line.rstrip() for line in lines if line.strip()]


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


def test_the_bar_of_an_engines_job_is_the_only_line_that_stays(clock: list[float]) -> None:
    stream = Terminal()
    with progress_for(stream, quiet=False) as shown:
        assert shown is not None
        shown.start(images=100, shards=12)
        for shards, images in ((2, 0), (6, 40), (12, 90)):
            clock[0] += 5
            shown.update_shards(shards, images, images // 10, images * 1_000_000)
    first, *_, last = stream.drawn()
    assert first.endswith("| 0/100 images, 0 img/s, 0 rejected, 0.0 MB/s")
    assert last.startswith("converting 100%|███")
    assert last.endswith("| 12/12 shards, 0 s left, 6 img/s, 9 rejected")
    assert lines_that_stay(stream) == [last]


def test_a_launch_that_takes_over_draws_over_the_bar_of_the_other(clock: list[float]) -> None:
    stream = Terminal()
    with progress_for(stream, quiet=False) as shown:
        assert shown is not None
        shown.start(images=100, shards=12)
        clock[0] += 5
        shown.update_shards(6, 0, 0, 0)
        shown.notify("nothing of job 7 moves")
        clock[0] += 3
        shown._display.tick()
        shown.start(images=100, shards=12)
        shown.update(100, 0, 1)
    assert "preparing: 3 s" in stream.drawn()
    notice, bar = lines_that_stay(stream)
    assert notice == "nothing of job 7 moves"
    assert bar.startswith("converting 100%|███")


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
    for character in "\x1b\n\u202e":
        assert character not in stream.getvalue()
    assert r"a\x1b]0;owned\x07{b}\n: {0}\u202e, 3 s" in stream.getvalue()
    assert r"a\x1b]0;owned\x07{b}\n   0%|" in stream.getvalue()
    assert r"| {0}\u202e" in stream.getvalue()


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
import os, sys
from fitfeed.output import progress_display
from fitfeed.output.progress import phase_progress, progress_for
progress_display.QUIET_S = 0.0
print(os.get_terminal_size(2).columns)
with progress_for(sys.stderr, quiet="--quiet" in sys.argv) as shown:
    if shown is not None:
        shown.start(images=10, shards=1)
        for i in range(11):
            shown.update(i, 0, i)
        shown.notify("warning: see")
with phase_progress(sys.stderr, "drawing", quiet="--quiet" in sys.argv):
    print("waiting")
    sys.stdin.readline()
"""
"""Its last phase goes on until a line is typed."""


def on_a_terminal(*arguments: str, until: str, **variables: str) -> str:
    """All that a program writes to a terminal, where a line is typed as soon as a pattern is seen."""
    leader, follower = pty.openpty()
    inherited = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        env={**inherited, "PYTHONPATH": str(ROOT), "TERM": "xterm", **variables},
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    try:
        written = read_from(leader)
        seen = next(written)
        while not re.search(until, seen):
            seen += next(written, "")
            assert process.poll() is None, seen
        os.write(leader, b"\n")
        seen += "".join(written)
        assert process.wait(MAX_SECONDS) == 0, seen
    finally:
        process.kill()
        process.wait()
        os.close(leader)
    return seen


def read_from(leader: int) -> Iterator[str]:
    """Pieces of what is written to a terminal, until the last process has closed it."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    while select.select([leader], [], [], MAX_SECONDS)[0]:
        try:
            some = os.read(leader, 65536)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return
        yield decoder.decode(some)
    pytest.fail(f"waited {MAX_SECONDS:g} s in vain")


def test_a_real_terminal_gets_bars_and_phases() -> None:
    written = on_a_terminal(until=r"drawing: \d+ s")  # a thread draws that: nothing is told meanwhile
    assert "converting 100%|█" in written
    assert "10/10 images" in written
    assert "\x1b[33mwarning:\x1b[0m see\r\n" in written


def test_a_real_terminal_gets_no_colors_if_nobody_wants_them() -> None:
    written = on_a_terminal(until="drawing", NO_COLOR="1")
    assert "warning: see\r\n" in written
    assert "\x1b" not in written


def test_quiet_is_nothing_on_a_terminal_too() -> None:
    columns, waiting = on_a_terminal("--quiet", until="waiting").split()
    assert columns.isdecimal()
    assert waiting == "waiting"
