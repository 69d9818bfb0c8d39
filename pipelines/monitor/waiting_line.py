"""Says in one line whether an epoch waited for its input."""

from fitfeed.pipelines.monitor.epoch_waiting import InputWaiting

MIN_SHARE = 0.05
"""Share of waiting from which on an epoch is input-bound. Below, ending it would not be noticed."""


def waiting_line(waiting: InputWaiting) -> str:
    """Returns the line.

    Args:
        waiting: What was measured.
    """
    if not waiting.steps:
        return "input: no step was measured."
    each = waiting.total / waiting.steps
    if waiting.share < MIN_SHARE:
        return f"compute-bound: {waiting.share:.0%} of each step of {1e3 * each:.3g} ms waits for input."
    return f"input-bound: {waiting.share:.0%} of each step of {1e3 * each:.3g} ms waits."
