"""What became of a job."""

from typing import NamedTuple

from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.outcome import Outcome


class JobEnd(NamedTuple):
    """What became of a job.

    Attributes:
        work: Its folder.
        outcome: What its publication has decided; None if it still runs, and is left running.
        running: What runs where; empty if it has ended.
    """

    work: WorkFolder
    outcome: Outcome | None
    running: str = ""
