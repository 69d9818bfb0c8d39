"""Parts of Python source: literals, comments, names of variables."""

import keyword
import re


def quoted(text: str) -> str:
    """A string as Python source, in double quotes if that is possible, and ASCII."""
    literal = ascii(text)
    return f'"{literal[1:-1]}"' if literal[0] == "'" and '"' not in literal else literal


def one_line(text: str) -> str:
    """A text for a comment."""
    return " ".join(text.split())


def new_name(text: str, taken: set[str]) -> str:
    """A Python name for something called `text`, different from all that are taken. It is taken from now on."""
    base = re.sub(r"[\W_]+", "_", text, flags=re.ASCII).strip("_").lower() or "values"
    if base[0].isdigit() or keyword.iskeyword(base):
        base = f"data_{base}"
    variable, number = base, 2
    while variable in taken:
        variable, number = f"{base}_{number}", number + 1
    taken.add(variable)
    return variable
