"""The examples of a source: a table with one row for each image."""

import dataclasses
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from fitfeed.converters.source_file import SourceFile
from fitfeed.schemas.features import WithLabels

SPLIT_ORDER = ("train", "validation", "test")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExampleTable(WithLabels):
    """The images that are to become examples: columns with one entry for each.

    Attributes:
        files: The images.
        labels: The labels by feature name. Of a class: its number; multiclass: a list of numbers; float, floats,
            int and text: the value; mask: its `SourceFile`.
        splits: The split that a folder or a column names; None if there is none.
        groups: The values of the column of `--group`; None without it.
    """

    files: list[SourceFile]
    labels: dict[str, list[Any]]
    splits: list[str | None]
    groups: list[str] | None = None

    def all_files(self) -> Iterator[SourceFile]:
        """All images, and then all masks."""
        yield from self.files
        for name, kind in self.kinds.items():
            if kind == "mask":
                yield from self.labels[name]

    def without(self, places: Collection[int]) -> "ExampleTable":
        """Leaves images out, by their places."""
        if not places:
            return self
        kept = [place for place in range(len(self.files)) if place not in places]
        return dataclasses.replace(
            self,
            files=[self.files[place] for place in kept],
            labels={name: [values[place] for place in kept] for name, values in self.labels.items()},
            splits=[self.splits[place] for place in kept],
            groups=None if self.groups is None else [self.groups[place] for place in kept],
        )

    def value(self, name: str, i: int) -> Any:
        """The label of file `i` as JSON, for digests and messages.

        A class is its name, and several classes are sorted. So the value does not depend on their numbers: classes
        that an append brought to a dataset have the last numbers.
        """
        return self.values(name, [i])[0]

    def values(self, name: str, places: Sequence[int]) -> list[Any]:
        """`value` of many files: ten million take seconds, and a minute if each is asked for."""
        feature, labels = self.features[name], self.labels[name]
        kind, names = feature.kind, feature.class_names
        if kind == "mask":
            return [[labels[i].path, labels[i].bytes] for i in places]
        if kind == "multiclass":
            return [sorted(names[number] for number in labels[i]) for i in places]
        return [names[labels[i]] for i in places] if kind == "class" else [labels[i] for i in places]


def in_split_order(names: set[str]) -> list[str]:
    """Orders split names: train, validation, test, then the others by name."""
    return sorted(
        names, key=lambda name: (SPLIT_ORDER.index(name) if name in SPLIT_ORDER else len(SPLIT_ORDER), name)
    )
