"""What each command tells of its progress, elsewhere than on a terminal."""

import io

import pytest

from fitfeed.output.progress import (
    file_progress,
    phase_progress,
    planning_progress,
    progress_for,
    reading_progress,
    step_progress,
)


def test_a_conversion_says_where_it_is_every_ten_seconds(clock: list[float]) -> None:
    stream = io.StringIO()
    with progress_for(stream, quiet=False) as shown:
        assert shown is not None
        shown.start(images=1000, shards=3)
        for seconds, images in ((5, 50), (10, 200), (15, 400), (20, 600)):
            clock[0] = 100.0 + seconds
            shown.update(images, images // 100, images * 100_000)
    assert stream.getvalue().splitlines() == [
        "converting 1000 images into 3 shards",
        "converting: 200/1,000 images, 20 img/s, 2 rejected, 2.0 MB/s",
        "converting: 600/1,000 images, 30 img/s, 6 rejected, 3.0 MB/s, 11 s left",
    ]


def test_before_a_conversion_it_is_said_what_was_listed_and_compared(clock: list[float]) -> None:
    stream = io.StringIO()
    with progress_for(stream, quiet=False) as shown:
        assert shown is not None
        planning = shown.comparing()
        clock[0] += 20  # until the command line was looked at, nothing is said
        planning.listing()
        planning.listed(120_000)
        planning.listed(1)
        clock[0] += 4
        shown._display.tick()
        planning.start(files=2, total_bytes=20_000_000)
        clock[0] += 10
        planning.update(10_000_000)
        clock[0] += 1
        shown.notify("the dataset is locked")
        clock[0] += 5
        shown._display.tick()
    assert stream.getvalue().splitlines() == [
        "listing and planning: 120,001 files, 4 s",
        "comparing: 10 of 20 MB read, 1.0 MB/s",
        "the dataset is locked",
        "preparing: 5 s",
    ]


def test_nothing_done_yet_has_no_end(clock: list[float]) -> None:
    stream = io.StringIO()
    with progress_for(stream, quiet=False) as shown:
        assert shown is not None
        shown.start(images=100, shards=3)
        clock[0] += 10
        shown.update(0, 0, 0)
    assert stream.getvalue().splitlines()[1] == "converting: 0/100 images, 0 img/s, 0 rejected, 0.0 MB/s"


def test_shards_of_an_earlier_run_tell_nothing_of_the_speed(clock: list[float]) -> None:
    stream = io.StringIO()
    with progress_for(stream, quiet=False) as shown:
        assert shown is not None
        shown.start(images=10_000, shards=100)
        clock[0] += 0.2
        shown.update(9_000, 0, 0)  # nothing of them is read again
        for i in range(1, 11):
            clock[0] += 1
            shown.update(9_000 + 10 * i, 0, 1_000_000 * i)
    assert (
        stream.getvalue().splitlines()[1]
        == "converting: 9,100/10,000 images, 10 img/s, 0 rejected, 1.0 MB/s, 90 s left"
    )


def test_what_follows_the_last_image_is_publication(clock: list[float]) -> None:
    stream = io.StringIO()
    with progress_for(stream, quiet=False) as shown:
        assert shown is not None
        shown.start(images=100, shards=3)
        for _ in range(4):
            clock[0] += 5
            shown.update(100, 0, 1)
            shown._display.tick()
    assert stream.getvalue().splitlines() == [
        "converting 100 images into 3 shards",
        "publishing",
        "publishing: 10 s",
    ]


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
        "converting: 2/12 shards",  # of an earlier run: they tell nothing of the speed
        "converting: 4/12 shards",
        "converting: 8/12 shards, 2 img/s, 6 rejected, 2.0 MB/s, 20 s left",
        "converting: 12/12 shards, 2 img/s, 9 rejected, 2.2 MB/s, 0 s left",
    ]


def test_what_an_engine_tells_first_was_done_since_the_start(clock: list[float]) -> None:
    stream = io.StringIO()
    with progress_for(stream, quiet=False) as shown:
        assert shown is not None
        shown.start(images=1000, shards=100)
        clock[0] += 5
        shown.update_shards(10, 100, 0, 10_000_000)
        clock[0] += 10
        shown.update_shards(30, 300, 0, 30_000_000)
    assert stream.getvalue().splitlines()[1:] == [
        "converting: 10/100 shards, 20 img/s, 0 rejected, 2.0 MB/s",
        "converting: 30/100 shards, 20 img/s, 0 rejected, 2.0 MB/s",
    ]


@pytest.mark.parametrize("followed", [3, 12], ids=["some shards", "all but the publication"])
@pytest.mark.parametrize("taken_over", ["here", "on an engine"])
def test_a_launch_that_takes_over_counts_anew(followed: int, taken_over: str, clock: list[float]) -> None:
    stream = io.StringIO()
    with progress_for(stream, quiet=False) as shown:
        assert shown is not None
        shown.notify("job 7 does this conversion already; following it")
        shown.start(images=100, shards=12)
        clock[0] += 5
        shown.update_shards(followed, 40, 8, 40_000_000)
        followed_until = len(stream.getvalue())
        shown.notify("nothing of job 7 moves; this launch continues in its place")
        clock[0] += 4
        shown._display.tick()
        shown.start(images=100, shards=12)
        shown.notify("job 8 has started")
        for seconds, images in ((0, 20), (4, 30), (10, 40)):  # 20 of what was finished before
            clock[0] += seconds
            if taken_over == "here":
                shown.update(images, 0, (images - 20) * 1_000_000)
            else:
                shown.update_shards(images // 10, images - 20, 0, (images - 20) * 1_000_000)
    done = "40/100 images" if taken_over == "here" else "4/12 shards"
    lines = stream.getvalue()[followed_until:].splitlines()
    assert lines[:4] == [
        "nothing of job 7 moves; this launch continues in its place",
        "preparing: 4 s",
        "converting 100 images into 12 shards",
        "job 8 has started",
    ]
    assert lines[-1].startswith(f"converting: {done}, 1 img/s, 0 rejected, 1.4 MB/s")


def test_a_reading_counts_what_is_added(clock: list[float]) -> None:
    stream = io.StringIO()
    with reading_progress(stream, "verifying", quiet=False) as shown:
        assert shown is not None
        shown.start(files=3, total_bytes=100_000_000)
        for _ in range(4):
            clock[0] += 5
            shown.update(10_000_000)
        shown.update(60_000_000)
        clock[0] += 10
        shown._display.tick()
        shown.update(1)  # a damaged file is longer than it was
        clock[0] += 10
        shown._display.tick()
    assert stream.getvalue().splitlines() == [
        "verifying: 10 of 100 MB read, 2.0 MB/s",
        "verifying: 30 of 100 MB read, 2.0 MB/s, 35 s left",
        "checking",
        "checking: 10 s",
        "checking: 20 s",
    ]


def test_what_follows_the_comparison_is_planning(clock: list[float]) -> None:
    stream = io.StringIO()
    with planning_progress(stream, quiet=False) as shown:
        assert shown is not None
        shown.listing()
        shown.start(files=2, total_bytes=20)
        shown.update(20)
        clock[0] += 3
        shown._display.tick()
    assert stream.getvalue().splitlines() == ["planning: 3 s"]


def test_nothing_to_read_is_not_all_read(clock: list[float]) -> None:
    stream = io.StringIO()
    with reading_progress(stream, "inspecting", quiet=False) as shown:
        assert shown is not None
        shown.start(files=1, total_bytes=0)
        clock[0] += 3
        shown._display.tick()
    assert stream.getvalue().splitlines() == ["inspecting: 3 s"]


def test_files_are_counted(clock: list[float]) -> None:
    stream = io.StringIO()
    with file_progress(stream, "inspecting", 1000, quiet=False) as looked_at_one:
        for _ in range(12):
            clock[0] += 1
            looked_at_one()
    assert stream.getvalue().splitlines() == [
        "inspecting: 2/1,000 files",
        "inspecting: 12/1,000 files, 16 min left",
    ]


def test_what_takes_two_seconds_shows_nothing(clock: list[float]) -> None:
    stream = io.StringIO()
    with reading_progress(stream, "verifying", quiet=False) as shown:
        assert shown is not None
        shown.start(files=3, total_bytes=100)
        clock[0] += 1.9
        shown.update(100)
    assert stream.getvalue() == ""


def test_quiet_is_nothing() -> None:
    with progress_for(io.StringIO(), quiet=True) as shown:
        assert shown is None
    with reading_progress(io.StringIO(), "verifying", quiet=True) as reading:
        assert reading is None
    with planning_progress(io.StringIO(), quiet=True) as planning:
        assert planning is None
    stream = io.StringIO()
    with phase_progress(stream, "drawing", quiet=True), step_progress(stream, ["a"], quiet=True) as step:
        step("a")
    with file_progress(stream, "inspecting", 1, quiet=True) as looked_at_one:
        looked_at_one()
    assert stream.getvalue() == ""


def test_steps_are_named_without_a_time_left(clock: list[float]) -> None:
    stream = io.StringIO()
    with step_progress(stream, ["stages", "floors", "whole"], quiet=False) as told:
        for seconds, step in (
            (0, "stages"),
            (1, "stages"),
            (2, "stages"),
            (13, "floors"),
            (22, "floors"),
            (23, "whole"),
        ):
            clock[0] = 100.0 + seconds
            told(step)
    assert stream.getvalue().splitlines() == [
        "stages: step 1 of 3, 2 s",
        "floors: step 2 of 3",
        "whole: step 3 of 3",
    ]
