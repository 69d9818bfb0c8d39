"""What progress shows, on a terminal and elsewhere."""

import io
import time

import pytest

from fitfeed.output.progress import StepProgress, progress_for, reading_progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that is set by hand."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_a_conversion_says_where_it_is_every_ten_seconds(clock: list[float]) -> None:
    stream = io.StringIO()
    with progress_for(stream, quiet=False) as shown:
        assert shown is not None
        shown.start(images=100, shards=3)
        for seconds, images in ((5, 5), (10, 20), (15, 40), (20, 60)):
            clock[0] = 100.0 + seconds
            shown.update(images, images // 10, images * 1_000_000)
    assert stream.getvalue().splitlines() == [
        "converting 100 images into 3 shards",
        "20/100 images, 2 img/s, 2.0 MB/s, 2 rejected, 40 s left",
        "60/100 images, 3 img/s, 3.0 MB/s, 6 rejected, 13 s left",
    ]


def test_nothing_done_yet_has_no_end(clock: list[float]) -> None:
    stream = io.StringIO()
    with progress_for(stream, quiet=False) as shown:
        assert shown is not None
        shown.start(images=100, shards=3)
        clock[0] += 10
        shown.update(0, 0, 0)
    assert stream.getvalue().splitlines()[1] == "0/100 images, 0 img/s, 0.0 MB/s, 0 rejected"


def test_an_engines_job_is_counted_in_shards(clock: list[float]) -> None:
    stream = io.StringIO()
    with progress_for(stream, quiet=False) as shown:
        assert shown is not None
        shown.start(images=100, shards=12)
        for seconds, shards, images in ((0, 2, 0), (10, 2, 0), (20, 4, 0), (30, 8, 60), (40, 12, 90)):
            clock[0] = 100.0 + seconds
            shown.update_shards(shards, images, images // 10, images * 1_000_000)
    assert stream.getvalue().splitlines() == [
        "converting 100 images into 12 shards",
        "2/12 shards",  # of an earlier run: they tell nothing of the speed
        "4/12 shards, 80 s left",
        "8/12 shards, 2 img/s, 2.0 MB/s, 6 rejected, 20 s left",
        "12/12 shards, 2 img/s, 2.2 MB/s, 9 rejected, 0 s left",
    ]


def test_an_engines_job_has_a_bar_of_shards() -> None:
    stream = Terminal()
    with progress_for(stream, quiet=False) as shown:
        assert shown is not None
        shown.start(images=100, shards=3)
        shown.update_shards(1, 0, 0, 0)
        shown.update_shards(3, 100, 7, 1)
    assert "3.00/3.00" in stream.getvalue()
    assert "shard/s" in stream.getvalue()
    assert "7 rejected" in stream.getvalue()


def test_a_reading_counts_what_is_added(clock: list[float]) -> None:
    stream = io.StringIO()
    with reading_progress(stream, quiet=False) as shown:
        assert shown is not None
        shown.start(files=3, total_bytes=100_000_000)
        for _ in range(4):
            clock[0] += 5
            shown.update(10_000_000)
    assert stream.getvalue().splitlines() == [
        "20 of 100 MB read, 2.0 MB/s, 40 s left",
        "40 of 100 MB read, 2.0 MB/s, 30 s left",
    ]


def test_a_terminal_gets_a_bar() -> None:
    stream = Terminal()
    with progress_for(stream, quiet=False) as shown:
        assert shown is not None
        shown.start(images=100, shards=3)
        shown.update(100, 7, 1)
    assert "3 shards: 100%" in stream.getvalue()
    assert "7 rejected" in stream.getvalue()
    assert "converting" not in stream.getvalue()


def test_a_short_reading_shows_no_bar() -> None:
    stream = Terminal()
    with reading_progress(stream, quiet=False) as shown:
        assert shown is not None
        shown.start(files=3, total_bytes=100)
        shown.update(100)
    assert "3 files" not in stream.getvalue()


def test_quiet_is_nothing() -> None:
    with progress_for(io.StringIO(), quiet=True) as shown:
        assert shown is None
    with reading_progress(io.StringIO(), quiet=True) as reading:
        assert reading is None


def test_steps_are_named_without_a_time_left(clock: list[float]) -> None:
    stream = io.StringIO()
    shown = StepProgress(stream)
    shown.start(["stages", "floors", "whole"])
    for seconds, step in ((1, "stages"), (11, "floors"), (15, "floors"), (22, "whole")):
        clock[0] = 100.0 + seconds
        shown.update(step)
    shown.close()
    assert stream.getvalue().splitlines() == ["floors: step 2 of 3", "whole: step 3 of 3"]
