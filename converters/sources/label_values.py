"""Turns a value of a table into a label: what each kind takes, and why a value is not one."""

import json
import math
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

from fitfeed.schemas.features import LabelKind
from fitfeed.schemas.text import short_repr

MAX_TEXT_BYTES = 1 << 20
MAX_CLASS_NAME = 1000
INT = re.compile(r"([+-]?\d{1,19})(?:\.0*)?")
FLOAT = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
SEPARATOR = ";"
"""What separates the classes of a multiclass field unless `--label-separator` says otherwise."""

INDICATORS = {"": False, "0": False, "1": True, "0.0": False, "1.0": True, "false": False, "true": True}
MAX_FLOAT32 = 3.4028234663852886e38


class LabelError(Exception):
    """A value that is not a label of its kind. The message is one sentence."""


def parse_label(kind: LabelKind, value: Any, separator: str = SEPARATOR) -> Any:
    """Reads one value.

    Args:
        kind: Kind of the label.
        value: Text of a CSV file, or any JSON value.
        separator: What is between the names of several classes, where they are not a JSON list.

    Returns:
        class: the class name; multiclass: the class names, sorted, each once; float, floats, int: the
        number; text: the text; mask: the path.

    Raises:
        LabelError: If there is no value, or it is not of the kind.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        raise LabelError("there is no value")
    if isinstance(value, float) and math.isnan(value):
        raise LabelError("the value is NaN")
    return _multiclass(value, separator) if kind == "multiclass" else _PARSERS[kind](value)


def parse_indicator(value: Any) -> bool:
    """Reads whether an image has the class that a column stands for. Nothing, as pandas writes 0 and NaN, means no.

    Args:
        value: Text of a CSV file, or any JSON value.

    Raises:
        LabelError: If it is not 0 or 1, true or false, or nothing.
    """
    if isinstance(value, float) and math.isnan(value):
        return False
    text = "" if value is None else str(value).strip().lower()
    if text in INDICATORS:
        return INDICATORS[text]
    number = float(text) if FLOAT.fullmatch(text) else None
    if number not in (0, 1):
        msg = f"{short_repr(value)} is not 0 or 1; kind floats takes any number"
        raise LabelError(msg)
    return number == 1


def is_blank(value: Any) -> bool:
    """Whether a field has nothing in it, which pandas also writes as NaN."""
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def _class(value: Any) -> str:
    name = _text_of(value).strip()
    if name.lower() == "nan":
        raise LabelError("the value is NaN")
    if len(name) > MAX_CLASS_NAME:
        msg = f"{short_repr(name)} is longer than the {MAX_CLASS_NAME} characters that a name may have; is it a text?"
        raise LabelError(msg)
    return sys.intern(name)  # few names in many rows


def _multiclass(value: Any, separator: str) -> list[str]:
    if isinstance(value, str) and value.strip().startswith("["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            msg = f"{short_repr(value)} begins like a JSON list, but is not one"
            raise LabelError(msg) from None
    if isinstance(value, str):
        value = [part for part in value.split(separator) if part.strip()] or [None]
    if not isinstance(value, list):
        value = [value]
    if any(part is None or (isinstance(part, float) and math.isnan(part)) for part in value):
        msg = f"{short_repr(value)} has an empty entry"
        raise LabelError(msg)
    names = {_class(part) for part in value}
    if "" in names:
        msg = f"{short_repr(value)} has an empty entry"
        raise LabelError(msg)
    return sorted(names)


def _float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        msg = f"{short_repr(value)} is not a number"
        raise LabelError(msg)
    if isinstance(value, str):
        if value.strip().lower() == "nan":
            raise LabelError("the value is NaN")
        if not FLOAT.fullmatch(value.strip()):
            msg = f"{short_repr(value)} is not a number such as 1.5 or 2e-3"
            raise LabelError(msg)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if abs(number) > MAX_FLOAT32:
        msg = f"{short_repr(value)} is larger than the numbers that training reads (32 bits)"
        raise LabelError(msg)
    return number


def _int(value: Any) -> int:
    text = str(value).strip() if isinstance(value, int | float | str) and not isinstance(value, bool) else ""
    match = INT.fullmatch(text)
    number = int(match[1]) if match else None
    if number is None or not -(2**63) <= number < 2**63:
        msg = f"{short_repr(value)} is not an integer of 64 bits"
        raise LabelError(msg)
    return number


def _text(value: Any) -> str:
    text = _text_of(value)
    if len(text.encode()) > MAX_TEXT_BYTES:
        msg = f"the text has more than {MAX_TEXT_BYTES} bytes"
        raise LabelError(msg)
    return text


def _text_of(value: Any) -> str:
    """A value as text. Numbers, true and false are written as in JSON."""
    if isinstance(value, list | dict):
        msg = f"{short_repr(value)} is not one value"
        raise LabelError(msg)
    text = value if isinstance(value, str) else json.dumps(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        msg = f"{short_repr(value)} cannot be written as UTF-8"
        raise LabelError(msg) from None
    return text


_PARSERS: Mapping[LabelKind, Callable[[Any], Any]] = {
    "class": _class,
    "float": _float,
    "floats": _float,
    "int": _int,
    "text": _text,
    "mask": lambda value: _text_of(value).strip(),
}
