"""When the end of a work is foretold, and how well."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.output.time_left import MIN_S, TimeLeft, duration


def told(
    moments: list[tuple[float, float]], total: float, *, in_large_steps: bool = False
) -> list[float | None]:
    """What is foretold at each moment, of which each has a time and what is done by then."""
    left = TimeLeft(0.0, in_large_steps=in_large_steps)
    answers = []
    for now, done in moments:
        left.saw(now, done)
        answers.append(left.seconds(now, total))
    return answers


@given(
    seconds=st.floats(20, 100_000),
    start=st.floats(0, 30),
    wobble=st.lists(st.floats(0.7, 1.4), min_size=50, max_size=50),
)
def test_what_is_foretold_is_near_the_truth_from_the_beginning(
    seconds: float, start: float, wobble: list[float]
) -> None:
    """Processes take a while to start, and the speed varies by a third."""
    done, rate, now = 0.0, 1.0, start
    left = TimeLeft(0.0)
    left.saw(start / 2, 0.0)
    for i in range(50):
        done += 0.2 * rate * wobble[i]
        now += 0.2
        left.saw(now, done)
        foretold = left.seconds(now, seconds)
        if now - start < MIN_S:
            assert foretold is None
        elif foretold is not None:
            truth = seconds - done
            assert truth / 1.5 <= foretold + 0.5
            assert foretold <= truth * 1.5


def test_nothing_is_foretold_before_something_moves_or_after_it_has_stopped() -> None:
    assert told([(0, 0), (30, 0)], 100) == [None, None]
    assert told([(1, 1), (2, 2), (3, 3), (4, 4), (60, 50)], 100)[:4] == [None] * 4
    left = TimeLeft(0.0)
    for now in range(1, 11):
        left.saw(now, now)
    assert left.seconds(10, 20) == pytest.approx(10)
    assert left.seconds(15, 20) == pytest.approx(5)
    assert left.seconds(21, 20) is None  # it should have ended
    left.saw(30, 20)
    assert left.seconds(30, 20) == 0


def test_what_an_earlier_run_has_done_tells_nothing_of_the_speed() -> None:
    left = TimeLeft(0.0)
    left.skip(9_000)
    left.saw(0.2, 9_000)
    for now in range(1, 11):
        left.saw(now, 9_000 + 10 * now)
    assert left.seconds(10, 10_000) == pytest.approx(90)


def test_in_large_steps_the_time_before_the_first_counts() -> None:
    waves: list[tuple[float, float]] = [(60, 16), (119, 16), (120, 32), (130, 32)]
    assert told(waves, 160, in_large_steps=True) == [None, None, pytest.approx(480), pytest.approx(470)]


def test_only_the_last_minute_counts() -> None:
    slow: list[tuple[float, float]] = [(now, now) for now in range(1, 200)]
    fast: list[tuple[float, float]] = [(200 + now, 200 + 10 * now) for now in range(1, 100)]
    assert told(slow + fast, 2_190)[-1] == pytest.approx(100, rel=0.05)


def test_a_thousand_reports_a_second_are_few_marks() -> None:
    left = TimeLeft(0.0)
    for i in range(1, 100_000):
        left.saw(i / 1000, i)
    assert len(left._marks) < 300
    assert left.seconds(99.999, 200_000) == pytest.approx(100, rel=0.01)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (40, "40 s"), (99, "99 s"), (100, "2 min"), (3_600, "60 min"), (7_500, "2 h 5 min")],
)
def test_durations_are_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text
