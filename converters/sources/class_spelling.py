"""One spelling for class names that mean the same: `Käse` in two Unicode forms, and `10.0` for `10`.

pandas writes a column of whole numbers as `10.0` where a value of the column is missing.
"""

import re
from collections.abc import Collection

from fitfeed.schemas.class_order import WHOLE_NUMBER
from fitfeed.schemas.text import composed

WHOLE_FLOAT = re.compile(rf"({WHOLE_NUMBER.pattern})\.0+")


def spellings(names: Collection[str]) -> dict[str, str]:
    """How the class names of a label are spelled in a dataset, by their spelling in the source.

    Names have Unicode's composed form. Where all of them are whole numbers, they are written without a decimal point.
    """
    spelled = {name: composed(name) for name in names}
    whole = {name: without_point(text) for name, text in spelled.items()}
    return spelled if None in whole.values() else {name: text for name, text in whole.items() if text}


def without_point(name: str) -> str | None:
    """A whole number without a decimal point; None if a name is not one."""
    if WHOLE_NUMBER.fullmatch(name):
        return name
    match = WHOLE_FLOAT.fullmatch(name)
    return match and match[1]


def match_known(names: Collection[str], known: Collection[str]) -> dict[str, str]:
    """Finds names among known ones, whether they are written alike or are the same whole number.

    Returns:
        Name to known name, of those that are found.
    """
    of_number = {number: name for name in known if (number := without_point(name)) is not None}
    found = {name: name for name in names if name in known}
    for name in names:
        number = without_point(name)
        if number in of_number:
            found.setdefault(name, of_number[number])
    return found
