"""How far a conversion is, as its staging area shows it."""

import enum


class State(enum.Enum):
    """How far the conversion in a staging area is: see the table of `fitfeed.converters.staging.staging`."""

    LOCKED = "locked"
    PLANNED = "planned"
    WRITTEN = "written"
    REVIEWED = "reviewed"
    COMMITTED = "committed"
    SETTLED = "settled"


UNFINISHED = (State.PLANNED, State.WRITTEN, State.REVIEWED)
"""States in which the same command can continue the work of another run."""

PUBLISHED = (State.COMMITTED, State.SETTLED)
"""States in which the dataset has what the job adds."""
