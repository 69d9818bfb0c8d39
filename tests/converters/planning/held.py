"""A dataset with labels of each kind, and a source of the same files, for the tests of what joins a dataset."""

import dataclasses
import hashlib
from array import array
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from fitfeed.converters.file_columns import FileColumns
from fitfeed.converters.planning.base_dataset import BaseDataset
from fitfeed.converters.source_file import SourceFile
from fitfeed.converters.sources.examples import ExampleTable
from fitfeed.converters.sources.splits import PlacesOfSplits
from fitfeed.schemas.categories import Categories
from fitfeed.schemas.features import Features, ImageFeature, PlannedLabel
from fitfeed.schemas.index import Index, index_schema, write_index
from fitfeed.schemas.storage.local import LocalPlace

CLASSES = ["cat", "dog", "hen"]
LABELS = {
    "animal": PlannedLabel(kind="class", class_names=CLASSES),
    "tags": PlannedLabel(kind="multiclass", class_names=CLASSES),
    "age": PlannedLabel(kind="int"),
    "weight": PlannedLabel(kind="float"),
    "eyes": PlannedLabel(kind="floats", value_names=["x", "y"]),
    "note": PlannedLabel(kind="text"),
    "lesion": PlannedLabel(kind="mask"),
}


@dataclasses.dataclass(frozen=True)
class OneFile:
    """A file with labels; in the dataset or in a source."""

    key: str
    split: str = "train"
    bytes: int = 7
    source: int = 0
    animal: str = "cat"
    tags: tuple[str, ...] = ("cat", "hen")
    age: int = 3
    weight: float = 0.1
    eyes: tuple[float, float] = (1.0, 2.5)
    note: str = "Käse"

    @property
    def mask(self) -> SourceFile:
        """The file of its mask."""
        return SourceFile(f"masks/{self.key}", 9, 0, source=self.source)

    @property
    def plain(self) -> list[Any]:
        """Its labels but the mask, as JSON."""
        return [self.animal, [*self.tags], self.age, self.weight, [*self.eyes], self.note]

    @property
    def as_example(self) -> list[Any]:
        """What identifies it in a dataset."""
        return [self.key, self.bytes, *self.plain, self.split, _digest(self.mask.path).hex()]

    @property
    def as_file(self) -> list[Any]:
        """What identifies it in a source."""
        return [self.key, self.bytes, *self.plain, [self.mask.path, 9], self.split]


def held_dataset(folder: Path, files: list[OneFile]) -> BaseDataset:
    """A dataset that has an example of each."""
    image = ImageFeature(shape=(8, 8, 3), encoding="png")
    labels: Any = {name: label.feature(image) for name, label in LABELS.items()}
    features = Features(image=image, **labels)
    splits: dict[str, list[OneFile]] = {}
    for file in files:
        splits.setdefault(file.split, []).append(file)
    indexes = {split: _index(folder / f"{split}.index.arrow", some) for split, some in splits.items()}
    manifest: Any = SimpleNamespace(features=features, splits=dict.fromkeys(splits))
    return BaseDataset(LocalPlace(folder), manifest, indexes, [])


def listed(files: list[OneFile]) -> tuple[ExampleTable, PlacesOfSplits]:
    """A source of these files, and their places by split."""
    labels: dict[str, Any] = {
        "animal": array("h", [CLASSES.index(file.animal) for file in files]),
        "tags": [[CLASSES.index(tag) for tag in file.tags] for file in files],
        **{name: [getattr(file, name) for file in files] for name in ("age", "weight", "note")},
        "eyes": [list(file.eyes) for file in files],
        "lesion": [file.mask for file in files],
    }
    table = ExampleTable(
        files=FileColumns.of(SourceFile(file.key, file.bytes, 0, source=file.source) for file in files),
        labels={name: labels[name] for name in LABELS},
        features=LABELS,
        splits=Categories.of([None] * len(files)),
    )
    splits = {file.split: np.empty(0, np.int64) for file in files}
    return table, {
        split: np.array([place for place, file in enumerate(files) if file.split == split])
        for split in splits
    }


def _index(path: Path, files: list[OneFile]) -> Index:
    kinds = {name: label.kind for name, label in LABELS.items()}
    columns: dict[str, Any] = {
        field.name: [b"\0" * 16 if "digest" in field.name else 1] * len(files)
        for field in index_schema(kinds)
    }
    columns |= {
        "key": [file.key for file in files],
        "path": [file.key for file in files],
        "source": [file.source for file in files],
        "source_bytes": [file.bytes for file in files],
        "animal": [CLASSES.index(file.animal) for file in files],
        "tags": [[CLASSES.index(tag) for tag in file.tags] for file in files],
        **{name: [getattr(file, name) for file in files] for name in ("age", "weight", "eyes", "note")},
        "lesion_source_digest": [_digest(file.mask.path) for file in files],
        "source_format": ["PNG"] * len(files),
        "profile": [None] * len(files),
    }
    write_index(path, columns, kinds)
    return Index(path, kinds)


def _digest(text: str) -> bytes:
    return hashlib.md5(text.encode(), usedforsecurity=False).digest()
