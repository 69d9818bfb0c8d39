"""Little's law, with a clock of the test."""

import math

from fitfeed.pipelines.reading.requests_at_once import MAX_AT_ONCE, MIN_AT_ONCE, RECENT, RequestsAtOnce


def counts(*, batches_per_s: float, requests: int, least_s: float, batches: int = 2 * RECENT) -> list[int]:
    now = [0.0]
    at_once = RequestsAtOnce(lambda: now[0])
    found = []
    for _ in range(batches):
        now[0] += 1 / batches_per_s
        found.append(at_once.after(requests, least_s))
    return found


def test_twice_as_many_are_under_way_as_are_used_while_one_is_answered() -> None:
    assert counts(batches_per_s=14, requests=128, least_s=0.04)[-1] == math.ceil(2 * 14 * 128 * 0.04)


def test_there_are_bounds() -> None:
    assert counts(batches_per_s=14, requests=128, least_s=0.0005)[-1] == MIN_AT_ONCE
    assert counts(batches_per_s=200, requests=128, least_s=0.2)[-1] == MAX_AT_ONCE
    assert counts(batches_per_s=14, requests=128, least_s=0.2)[0] == MIN_AT_ONCE  # no rate is known


def test_too_few_requests_become_enough_step_by_step() -> None:
    """The rate that is measured is that of the requests under way, as long as these are too few."""
    now, count, wanted_per_s, answer_s = 0.0, MIN_AT_ONCE, 4000, 0.05
    at_once = RequestsAtOnce(lambda: now)
    for _ in range(6 * RECENT):
        now += 128 / min(count / answer_s, wanted_per_s)
        count = at_once.after(128, answer_s)
    assert count == 2 * 200 <= 2 * MAX_AT_ONCE or count == MAX_AT_ONCE


def test_an_answer_that_came_late_does_not_count() -> None:
    now = [0.0]
    at_once = RequestsAtOnce(lambda: now[0])
    for number in range(RECENT):
        now[0] += 0.1
        count = at_once.after(128, 3.0 if number % 2 else 0.04)
    assert count == math.ceil(2 * 1280 * 0.04)


def test_what_a_cache_had_was_not_asked_for() -> None:
    assert counts(batches_per_s=1000, requests=0, least_s=math.inf)[-1] == MIN_AT_ONCE
    now = [0.0]
    at_once = RequestsAtOnce(lambda: now[0])
    for number in range(RECENT + 1):  # every second batch
        now[0] += 0.04
        count = at_once.after(*((128, 0.04) if number % 2 else (0, math.inf)))
    assert count == math.ceil(2 * (128 * 3 / (0.04 * 7)) * 0.04)
