"""How long the rest of a work takes. Who cannot know it yet is told nothing."""

from collections import deque

MIN_S = 5.0
"""Seconds of work from which the rest is foretold. Before, processes start, and what was read lately comes from memory."""

MIN_CHANGES = 2
"""So often something must have been finished: shards of an engine are finished by the dozen, and then none for minutes."""

WINDOW_S = 60.0
"""Seconds of work that count: what was faster or slower before tells little of the rest."""

MARK_S = 0.25
"""Seconds between two marks. Some works are told of a thousand times a second."""


class TimeLeft:
    """Foretells the end of a work from how fast the last minute of it was."""

    def __init__(self, now: float, *, in_large_steps: bool = False) -> None:
        """Begins with nothing done.

        Args:
            now: The present time in seconds.
            in_large_steps: What is done is told rarely, so that the time before the first step counts. Otherwise that is
                the time that processes took to start.
        """
        self._marks: deque[tuple[float, float]] = deque([(now, 0.0)])
        self._counts_start = in_large_steps

    def skip(self, amount: float) -> None:
        """Says that so much was done by an earlier run, which tells nothing of the speed of this one."""
        self._marks = deque((when, done + amount) for when, done in self._marks)

    def saw(self, now: float, done: float) -> None:
        """Says how much is done, all in all."""
        marks = self._marks
        if done <= marks[-1][1]:
            return
        if not self._counts_start:
            self._counts_start = True
            marks.clear()
        if len(marks) > 1 and now - marks[-2][0] < MARK_S:
            marks.pop()
        marks.append((now, done))
        while len(marks) > MIN_CHANGES + 1 and marks[1][0] <= now - WINDOW_S:
            marks.popleft()

    def seconds(self, now: float, total: float) -> float | None:
        """Seconds that are left; None while nothing is known of them, or if the work has stopped moving."""
        (began, before), (last, done) = self._marks[0], self._marks[-1]
        if len(self._marks) <= MIN_CHANGES or last - began < MIN_S:
            return None
        if done >= total:
            return 0.0
        left = (total - done) * (last - began) / (done - before) - (now - last)
        return left if left > 0 else None


def duration(seconds: float) -> str:
    """A time for a person: `40 s`, `3 min`, `2 h 5 min`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60:,} h {minutes % 60} min"
