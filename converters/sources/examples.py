"""The examples of a source: a table with one row for each image."""

import dataclasses
from array import array
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fitfeed.converters.file_columns import FileColumns
from fitfeed.converters.source_file import SourceFile
from fitfeed.schemas.categories import Categories
from fitfeed.schemas.features import WithLabels
from fitfeed.schemas.packed_texts import Places

SPLIT_ORDER = ("train", "validation", "test")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExampleTable(WithLabels):
    """The images that are to become examples: columns with one entry for each.

    Attributes:
        files: The images.
        labels: The labels by feature name. Of a class: its number, in an `array` where there are many; multiclass: a list of numbers; float, floats,
            int and text: the value; mask: its `SourceFile`.
        splits: The split that a folder or a column names; None if there is none.
        groups: The values of the column of `--group`; None without it.
    """

    files: FileColumns
    labels: dict[str, Sequence[Any]]
    splits: Categories[str | None]
    groups: list[str] | None = None

    def all_files(self) -> Iterator[SourceFile]:
        """All images, and then all masks."""
        yield from self.files
        for name, kind in self.kinds.items():
            if kind == "mask":
                yield from self.labels[name]

    def without(self, places: Collection[int]) -> "ExampleTable":
        """Leaves images out, by their places."""
        if not len(places):
            return self
        return self.at(np.delete(np.arange(len(self.files)), list(places)))

    def at(self, places: Places) -> "ExampleTable":
        """The images at some places."""
        return dataclasses.replace(
            self,
            files=self.files.take(places),
            labels={name: values_at(values, places) for name, values in self.labels.items()},
            splits=self.splits.take(places),
            groups=None if self.groups is None else values_at(self.groups, places),
        )

    def value(self, name: str, i: int) -> Any:
        """The label of file `i` as JSON, for digests and messages.

        A class is its name, and several classes are sorted. So the value does not depend on their numbers: classes
        that an append brought to a dataset have the last numbers.
        """
        return self.values(name, [i])[0]

    def values(self, name: str, places: Places) -> list[Any]:
        """`value` of many files: ten million take seconds, and a minute if each is asked for."""
        kind, names = self.features[name].kind, self.features[name].class_names
        labels = values_at(self.labels[name], places)
        if kind == "mask":
            return [[mask.path, mask.bytes] for mask in labels]
        if kind == "multiclass":
            return [sorted(names[number] for number in chosen) for chosen in labels]
        return [names[number] for number in labels] if kind == "class" else labels

    def column(self, name: str, places: Places) -> Categories[str] | list[Any]:
        """The same, for classes as categories."""
        feature = self.features[name]
        if feature.kind == "class":
            return Categories(feature.class_names, numbers_at(self.labels[name], places))
        return self.values(name, places)


def values_at(values: Sequence[Any], places: Places) -> list[Any]:
    """The values of a label or the like at some places."""
    if isinstance(values, array):
        chosen: list[Any] = numbers_at(values, places).tolist()
        return chosen
    return [values[place] for place in np.asarray(places).tolist()]


def numbers_at(values: Sequence[int], places: Places) -> npt.NDArray[np.signedinteger[Any]]:
    """int16 or int32 (places,): the numbers of a label at some places."""
    if isinstance(values, array):
        return np.frombuffer(values, values.typecode)[places]
    return np.array(values_at(values, places), np.intc)


def in_split_order(names: set[str]) -> list[str]:
    """Orders split names: train, validation, test, then the others by name."""
    return sorted(
        names, key=lambda name: (SPLIT_ORDER.index(name) if name in SPLIT_ORDER else len(SPLIT_ORDER), name)
    )
