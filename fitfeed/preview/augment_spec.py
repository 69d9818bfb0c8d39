"""Reads augmentations from the command line. They are written as in Python, but nothing is executed."""

import ast
import difflib
from typing import TYPE_CHECKING

from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.text import first_line

if TYPE_CHECKING:
    from fitfeed.pipelines import Augmentation

EXAMPLE = """--augment "RandomFlip('horizontal'), RandomRotation(0.1)\""""


def parse_augment(spec: str) -> "list[Augmentation]":
    """Reads a list of augmentations.

    Args:
        spec: Calls of augmentations of `pipelines` with literal arguments, separated by commas; brackets around
            them are optional.

    Returns:
        The augmentations, in order; at least one.

    Raises:
        UsageError: If a part is something else, or an augmentation does not take its arguments.
    """
    try:
        body = ast.parse(spec.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        msg = f"this is not a list of Python calls ({first_line(error)}). Received: --augment {spec!r}. Write for instance {EXAMPLE}."
        raise UsageError(msg) from error
    parts = body.elts if isinstance(body, ast.Tuple | ast.List) else [body]
    if not parts:
        msg = f"there is nothing in the list. Received: --augment {spec!r}. Write for instance {EXAMPLE}."
        raise UsageError(msg)
    return [_augmentation(part) for part in parts]


def _augmentation(part: ast.expr) -> "Augmentation":
    """One call."""
    written = ast.unparse(part)
    if not isinstance(part, ast.Call):
        hint = f" Did you mean {written}()?" if isinstance(part, ast.Name) else ""
        msg = f"--augment takes calls of augmentations only. Received: {written}.{hint or f' Write for instance {EXAMPLE}.'}"
        raise UsageError(msg)
    make = _class(part.func)
    arguments = [_literal(argument, written) for argument in part.args]
    named = {}
    for keyword in part.keywords:
        if keyword.arg is None:
            msg = f"--augment takes literal arguments only. Received: {written}. Write each argument by its name."
            raise UsageError(msg)
        named[keyword.arg] = _literal(keyword.value, written)
    try:
        return make(*arguments, **named)
    except TypeError as error:  # too many arguments, or one is missing
        msg = f"{str(error).replace('.__init__()', '')}. Received: {written}."
        raise UsageError(msg) from error


def _class(name: ast.expr) -> "type[Augmentation]":
    """The augmentation that has a name."""
    from fitfeed.pipelines.augment.ops.augmentations import AUGMENTATIONS

    written = ast.unparse(name)
    if not isinstance(name, ast.Name) or name.id not in AUGMENTATIONS:
        near = difflib.get_close_matches(written, AUGMENTATIONS, n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]}?" if near else f"It has: {', '.join(sorted(AUGMENTATIONS))}."
        msg = f"fitfeed has no such augmentation. Received: {written}. {hint}"
        raise UsageError(msg)
    return AUGMENTATIONS[name.id]


def _literal(value: ast.expr, call: str) -> object:
    """A number, string, boolean, None, or a tuple, list or dict of these."""
    try:
        literal: object = ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
        msg = f"--augment takes literal arguments only, such as 0.1, (0.5, 1) or 'nearest'. Received: {ast.unparse(value)}, in {call}."
        raise UsageError(msg) from error
    return literal
