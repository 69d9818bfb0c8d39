"""Replaces the class names of a label by numbers, for folders and tables alike."""

from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np

from fitfeed.schemas.features import LabelKind, PlannedLabel


def number_classes(
    kind: LabelKind, values: Sequence[Any], given: Sequence[str] | None = None
) -> tuple[PlannedLabel, Sequence[Any]]:
    """Collects the class names of a label, and replaces them by their numbers.

    The names are those of the source, and the order is given or provisional. `arrange_classes` then applies the options.

    Args:
        kind: `class`, where a value is a name, or `multiclass`, where it is a list of names.
        values: The value of each image.
        given: The classes in their order, if the source says it.

    Returns:
        What is known of the label, and the number or the ascending numbers of each image.
    """
    several = kind == "multiclass"
    if given is None:
        class_names = sorted({name for chosen in values for name in chosen} if several else set(values))
    else:
        class_names = list(given)
    number_of = {name: number for number, name in enumerate(class_names)}
    numbers: Sequence[Any] = (
        [sorted(number_of[name] for name in chosen) for chosen in values]
        if several
        else array("i", (number_of[name] for name in values))
    )
    return PlannedLabel(
        kind=kind, class_names=class_names, class_order="text" if given is None else "given"
    ), numbers


def renumber_classes(values: Sequence[Any], new: Sequence[int]) -> Sequence[Any]:
    """Gives classes other numbers.

    Args:
        values: The number or the numbers of each image.
        new: The new number of each class; -1 of one that is taken out of images that have several.
    """
    if values and isinstance(values[0], list):
        return [sorted({new[number] for number in value} - {-1}) for value in values]
    if isinstance(values, array):  # of millions
        numbers = np.array(new, np.intc)[np.frombuffer(values, values.typecode)]
        return array("i", numbers.tobytes())
    return array("i", (new[value] for value in values))
