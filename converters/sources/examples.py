"""The examples of a source: a table with one row for each image."""

import dataclasses
from typing import Any

from fitfeed.converters.source_file import SourceFile
from fitfeed.schemas.features import WithLabels

SPLIT_ORDER = ("train", "validation", "test")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExampleTable(WithLabels):
    """What is to become examples: columns with one entry for each file.

    Attributes:
        files: The images.
        labels: By feature name. class: its number; multiclass: a list of numbers; float, int and
            text: the value; mask: its `SourceFile`.
        splits: Where a split folder or column names one.
        groups: Of `--group`, or None.
    """

    files: list[SourceFile]
    labels: dict[str, list[Any]]
    splits: list[str | None]
    groups: list[str] | None = None

    def value(self, name: str, i: int) -> Any:
        """The label of file `i`, as JSON: for digests and messages.

        Classes by name, several of them sorted, so that it does not depend on how they are numbered:
        where images joined a dataset, classes that came later have the last numbers.
        """
        value = self.labels[name][i]
        names = self.features[name].class_names
        if isinstance(value, SourceFile):
            return [value.path, value.bytes]
        if isinstance(value, list):
            return sorted(names[number] for number in value)
        return names[value] if names else value


def in_split_order(names: set[str]) -> list[str]:
    """Orders split names: train, validation, test, then the others by name."""
    return sorted(
        names, key=lambda name: (SPLIT_ORDER.index(name) if name in SPLIT_ORDER else len(SPLIT_ORDER), name)
    )
