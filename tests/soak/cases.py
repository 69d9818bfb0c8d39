"""What the soak test tries, and what became of it."""

import hashlib
from typing import Literal, NamedTuple, TypeVar

from tests.servers.network_faults import Fault
from tests.servers.stores import Kind

Duration = Literal["once", "for ever"]


class Case(NamedTuple):
    """A cell of the matrix of operations and faults.

    Attributes:
        kind: The store.
        operation: The operation's name.
        fault: What goes wrong.
        duration: Whether a request fails once, or all fail from one on.
    """

    kind: Kind
    operation: str
    fault: Fault
    duration: Duration


class LaunchCase(NamedTuple):
    """A conversion that is not alone, or is killed.

    Attributes:
        kind: The store.
        operation: What happens to it.
        moment: When: a stage, or the number of a moment.
        detail: How: the options of the other one, and what the first does meanwhile; or nothing.
    """

    kind: Kind
    operation: str
    moment: str
    detail: str = ""


class Outcome(NamedTuple):
    """What became of a case.

    Attributes:
        case: The case.
        verdict: In capitals, what is wrong. Else `same`: as without faults; `error`: it was raised, and what is in the store
            is old or new, and whole; or who of two has made the dataset.
        faults: How many faults there were.
        text: What the error says.
        seconds: How long it took.
    """

    case: Case | LaunchCase
    verdict: str
    faults: int
    text: str
    seconds: float

    @property
    def is_wrong(self) -> bool:
        return self.verdict.isupper()


AnyCase = TypeVar("AnyCase")


def sample(cases: list[AnyCase], seed: str, part: int) -> list[AnyCase]:
    """One of `part` cases, those that a text such as a commit's hash chooses."""
    return [case for case in cases if number_of(f"{seed} {case}") % part == 0]


def number_of(text: str) -> int:
    """A number that only the text decides."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
