"""Leaves out the files that a dataset has already, and refuses those that have changed since."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from fitfeed.converters.file_columns import SourceListing
from fitfeed.converters.planning.base_dataset import BaseDataset
from fitfeed.converters.planning.comparison import ComparisonProgress, compare_files
from fitfeed.converters.planning.example_places import ExamplePlaces
from fitfeed.converters.source_file import SHOWN_FILES, Comparison
from fitfeed.converters.sources.examples import ExampleTable, numbers_at
from fitfeed.converters.sources.splits import PlacesOfSplits
from fitfeed.schemas.categories import Categories
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.packed_texts import AT_ONCE

AnyPlaces = npt.NDArray[np.integer[Any]]


def select_new(
    base: BaseDataset,
    example_table: ExampleTable,
    splits: PlacesOfSplits,
    listing: SourceListing,
    places: ExamplePlaces,
    known: Any | None,
    *,
    check_content: bool = False,
    progress: ComparisonProgress | None = None,
) -> tuple[PlacesOfSplits, Comparison]:
    """Leaves out the files that the dataset has already.

    A file is recognized by its key. Its source, its content, its labels and its split must not have
    changed, because an example is never replaced.

    Args:
        base: The dataset.
        example_table: All files of the source.
        splits: Split name to their places.
        listing: The same files, and their masks.
        places: Where the dataset has their examples.
        known: What the dataset's `sources.arrow` knows of their files, or None.
        check_content: Whether files are read although their size and times are the known ones.
        progress: Receives the progress of reading.

    Returns:
        The places of the other files by split, with the splits of the dataset first, and how those that the dataset
        has were compared. No split is empty.

    Raises:
        UsageError: If a file has the key of an example, but another content, label or split.
    """
    new: dict[str, AnyPlaces] = {}
    same: list[AnyPlaces] = []
    changed: list[tuple[str, int]] = []
    count = 0
    for split in base.split_order(splits):
        added: list[AnyPlaces] = []
        for here in _blocks(splits.get(split, np.empty(0, np.int64))):
            is_example = places.row[here] >= 0
            added.append(here[~is_example])
            here = here[is_example]
            differs = _differ(base, example_table, split, here, places)
            same.append(here[~differs])
            changed += [(split, place) for place in here[differs][:SHOWN_FILES].tolist()]
            count += int(differs.sum())
        if any(map(len, added)):
            new[split] = np.concatenate(added).astype(np.int64)
    comparison = compare_files(
        listing,
        known,
        base.indexes,
        places=places,
        images=same,
        check_content=check_content,
        check_masks=True,  # nothing says which mask each example had; only its bytes do
        progress=progress,
    )
    count += len(comparison.changed)
    if count:
        lines = [_described(base, example_table, *each, places) for each in changed[:SHOWN_FILES]]
        lines += [
            f"  {path}: {'as many bytes, but others' if base.has_key(path) else 'not what the mask of its image was'}"
            for path in comparison.changed[:SHOWN_FILES]
        ]
        msg = f"{count} files in SOURCE have the path of an example of {base.place}, but differ from it:"
        mend = "--append never changes an example. If these are other images, give them other names: a folder of their own below that of their class is enough. If they were edited, convert everything again with --overwrite instead of --append."
        raise UsageError(msg, *lines[:SHOWN_FILES], mend)
    return new, comparison


def _blocks(places: AnyPlaces) -> Iterator[AnyPlaces]:
    """Some places at a time, as indexing an array by millions takes 8 bytes for each."""
    return (places[begin : begin + AT_ONCE] for begin in range(0, len(places), AT_ONCE))


def _differ(
    base: BaseDataset, table: ExampleTable, split: str, here: AnyPlaces, places: ExamplePlaces
) -> npt.NDArray[np.bool_]:
    """Whether each of some files of a split differs from its example, without its content: bool (files,)."""
    differs = np.ones(len(here), np.bool_)
    for number, (name, index) in enumerate(base.indexes.items()):
        if name != split:  # its examples are of another split, so they differ
            continue
        there = np.flatnonzero(places.index[here] == number)
        some, rows = here[there], places.row[here[there]]
        other = table.files.bytes[some] != index.source_bytes[rows]
        other |= table.files.sources[some] != index.source[rows]
        for label in _plain_labels(table):
            other |= _labels_differ(base, table, split, label, some, rows)
        differs[there] = other
    return differs


def _labels_differ(
    base: BaseDataset, table: ExampleTable, split: str, label: str, here: AnyPlaces, rows: AnyPlaces
) -> npt.NDArray[np.bool_]:
    there = base.column(split, label, rows)
    if isinstance(there, Categories):  # the classes of a dataset have the first numbers (`join_classes`)
        return np.asarray(numbers_at(table.labels[label], here) != there.numbers, np.bool_)
    pairs = zip(table.values(label, here), there, strict=True)
    return np.fromiter((mine != its for mine, its in pairs), np.bool_, len(here))


def _described(base: BaseDataset, table: ExampleTable, split: str, place: int, places: ExamplePlaces) -> str:
    """In what a file differs from its example: a line."""
    held = list(base.indexes)[places.index[place]]
    index, row = base.indexes[held], int(places.row[place])
    labels = _plain_labels(table)
    there = [
        int(index.source_bytes[row]),
        *(base.column(held, name, np.array([row]))[0] for name in labels),
        *(held, int(index.source[row])),
    ]
    file = table.files[place]
    here = [file.bytes, *(table.value(name, place) for name in labels), split, file.source]
    names = ["bytes", *labels, "split", "source"]
    parts = [
        f"{name} {old}, now {new}" for name, old, new in zip(names, there, here, strict=True) if old != new
    ]
    return f"  {table.files.keys[place]}: {'; '.join(parts)}"


def _plain_labels(table: ExampleTable) -> list[str]:
    return [name for name, kind in table.kinds.items() if kind != "mask"]
