"""Reports of how far a run is."""

import threading

import pytest

from fitfeed.beam_jobs.progress import report_progress

END_S = 60.0


def test_counts_are_reported_meanwhile_and_at_the_end() -> None:
    reported: list[tuple[int, ...]] = []
    twice, done = threading.Event(), [0]

    def report(*counts: int) -> None:
        reported.append(counts)
        if len(reported) == 2:
            twice.set()

    with report_progress(lambda: (done[0], 7), report, interval_s=0.001):
        assert twice.wait(END_S)
        done[0] = 9
    assert reported[0] == (0, 7)
    assert reported[-1] == (9, 7)


def test_a_block_that_fails_has_no_last_report() -> None:
    reported: list[tuple[int, ...]] = []

    def fail() -> None:
        raise KeyError

    with (
        pytest.raises(KeyError),
        report_progress(lambda: (1,), lambda *each: reported.append(each), interval_s=END_S),
    ):
        fail()
    assert reported == []
