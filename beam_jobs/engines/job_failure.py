"""The last cause of a job that failed, as one line. What engines give is a traceback, or several in one another.

| from | what it gives |
|---|---|
| Dask, and runners in this process | the error itself |
| portable runners | a text: Java's causes, then the traceback of the worker |
| Dataflow | a text with the last message of the service |
"""

import re
from typing import NamedTuple

from fitfeed.converters.shards.write_shard import CONTINUES
from fitfeed.schemas import errors
from fitfeed.schemas.errors import ConversionError, FitfeedError, RemoteError
from fitfeed.schemas.text import shortened

MAX_CAUSE = 500
"""Characters of a cause that are shown."""

TRACEBACK = "Traceback (most recent call last):"
RAISED = re.compile(r"(?P<name>[A-Za-z_][\w.]*)(?:: (?P<text>.*))?")
"""A line such as `fitfeed.schemas.errors.ConversionError: cannot read …`."""

CAUSED = "Caused by: "
FRAME = re.compile(r" *\[while running '[^']*'\]")
"""What Beam adds for each step that an error has passed."""

PREFIX = re.compile(
    r"(?:Pipeline \S+ failed in state \w+: |Dataflow pipeline failed\. State: \w+, Error:\s*)"
)

CANCELLED_ELSEWHERE = re.compile(
    r"Dataflow pipeline failed\. State: CANCELLED\b|Pipeline \S+ failed in state CANCELLED\b"
)

LOST_WORKERS = "workers that wrote a shard ended again and again: most often because memory ran out"


class Cause(NamedTuple):
    """What went wrong last.

    Attributes:
        name: The class of the error, without its module; None if that is not known.
        text: Its message, one line.
    """

    name: str | None
    text: str

    def line(self) -> str:
        """The cause for people."""
        if self.name == "KilledWorker":  # its own text is four sentences with an address of the task
            return LOST_WORKERS
        if self.name is None or _class_of(self.name) is not None:
            return self.text
        return f"{self.name}: {self.text}" if self.text else self.name


def failure_of(error: BaseException, job: str, address: str = "") -> FitfeedError:
    """The error to raise for a job that failed.

    Args:
        error: What Beam, or the engine's client, has raised.
        job: What messages call the job.
        address: Where people see it; empty if there is no such place.
    """
    cause = _cause_of(error)
    kind = _class_of(cause.name) if cause.name is not None else None
    text = shortened(cause.line(), limit=MAX_CAUSE).rstrip()
    if kind is not None and not issubclass(
        kind, ConversionError
    ):  # for example: another launch has published
        return kind(text)
    text = text.removesuffix(CONTINUES).rstrip()
    text = text if text.endswith("...") else text.removesuffix(".")
    kept = (
        "Finished shards are kept."
        if "published" in text
        else "Nothing was published, and finished shards are kept."
    )
    more = f" Its messages: {address}" if address else ""
    return RemoteError(f"{job} failed: {text}. {kept} {CONTINUES}{more}")


def last_cause(text: str) -> Cause:
    """Finds the last cause in what an engine says of a failed job."""
    if CANCELLED_ELSEWHERE.match(text):
        return Cause(None, "somebody has cancelled it")
    lines = [line.rstrip() for line in FRAME.sub("", PREFIX.sub("", text)).splitlines() if line.strip()]
    starts = [place for place, line in enumerate(lines) if TRACEBACK in line]
    if starts:
        # The frames are indented; the line after them is the error.
        after = (line for line in lines[starts[-1] + 1 :] if not line.startswith((" ", "\t")))
        return _raised(next(after, "an error without a message"))
    caused = [line.strip().removeprefix(CAUSED) for line in lines if line.strip().startswith(CAUSED)]
    if caused:
        return _raised(caused[-1])
    return Cause(None, lines[-1].strip() if lines else "the engine gave no reason")


def _cause_of(error: BaseException) -> Cause:
    if isinstance(error, FitfeedError):
        return Cause(type(error).__name__, FRAME.sub("", str(error)).replace("\n", " "))
    details = getattr(error, "details", None)
    if callable(details):  # of gRPC, whose text is a list of all that it knows
        return Cause(None, f"{details() or 'no connection'}")
    found = last_cause(str(error))
    return (
        found if found.name is not None or type(error) in (RuntimeError, Exception) else _named(error, found)
    )


def _named(error: BaseException, found: Cause) -> Cause:
    name = type(error).__name__
    if name == "DataflowRuntimeException":
        return found
    return Cause(name, found.text if str(error) else "")


def _raised(line: str) -> Cause:
    match = RAISED.fullmatch(line)
    if match is None:
        return Cause(None, line)
    return Cause(match["name"].rpartition(".")[2], match["text"] or "")


def _class_of(name: str) -> type[FitfeedError] | None:
    kind = getattr(errors, name, None)
    return kind if isinstance(kind, type) and issubclass(kind, FitfeedError) else None
