"""The order in which the classes of a label are numbered, so that two datasets can be compared."""

import re
from collections.abc import Collection, Sequence
from typing import Literal

ClassOrder = Literal["number", "text", "given"]
"""`number`: ascending as whole numbers, 2 before 10. `text`: ascending by code points, 10 before 2. `given`:
neither of them, for example because some classes were appended later."""

WHOLE_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")


def natural_order(names: Collection[str]) -> ClassOrder:
    """The order for class names of a table: by number if all are whole numbers, else as text."""
    return "number" if all(WHOLE_NUMBER.fullmatch(name) for name in names) else "text"


def sort_classes(names: Collection[str], order: ClassOrder) -> list[str]:
    """Sorts class names.

    Args:
        names: The names, each once. For `number`, all must be whole numbers.
        order: `number`; for all others they are sorted as text.
    """
    return sorted(names, key=int) if order == "number" else sorted(names)


def follows(names: Sequence[str], order: ClassOrder) -> bool:
    """Whether class names are in an order."""
    if order == "given":
        return True
    if order == "number" and natural_order(names) != "number":
        return False
    return list(names) == sort_classes(names, order)
