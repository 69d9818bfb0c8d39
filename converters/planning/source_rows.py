"""The rows whose digests say of which files and labels a dataset or a job is: JSON of columns, in the order of keys."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fitfeed.converters.file_columns import FileColumns
from fitfeed.converters.planning.base_dataset import BaseDataset
from fitfeed.converters.planning.example_places import keys_of
from fitfeed.converters.sources.examples import ExampleTable
from fitfeed.converters.sources.splits import PlacesOfSplits
from fitfeed.converters.staging.job import LongList
from fitfeed.schemas.categories import Categories
from fitfeed.schemas.json_columns import Column, joined_json, json_of_rows, json_rows
from fitfeed.schemas.packed_hex import ITEM, PackedHex
from fitfeed.schemas.packed_texts import AT_ONCE, PackedTexts, Places

Rows = npt.NDArray[np.integer[Any]]


def listed_rows(example_table: ExampleTable, splits: PlacesOfSplits) -> LongList:
    """What identifies a source: path, size, labels and split of each file, by key."""
    columns_of = _listed_columns(example_table, splits)

    def rows(some: FileColumns, places: Places) -> bytes:
        return json_rows(columns_of(some, places))

    return LongList(itertools.starmap(rows, _by_key(example_table.files)))


def united_rows(
    base: BaseDataset, example_table: ExampleTable, splits: PlacesOfSplits, others: Mapping[str, Rows]
) -> LongList:
    """The same of a source and of the dataset that it joins.

    Args:
        base: The dataset.
        example_table: All files of the source.
        splits: Split to their places.
        others: Split to the rows of examples that are of other files.
    """
    if not any(map(len, others.values())):
        return listed_rows(example_table, splits)
    files, columns_of = example_table.files, _listed_columns(example_table, splits)
    makers: list[Callable[[Rows], Any]] = [
        lambda places: json_of_rows(columns_of(files.take(places), places)),
        *(_held_rows(base, split, rows) for split, rows in others.items()),
    ]
    keys = [files.keys, *(keys_of(base.indexes[split]).take(rows) for split, rows in others.items())]
    counts = [len(each) for each in keys]
    begins = np.cumsum([0, *counts])
    order = _order(PackedTexts.joined(keys))

    def rows_at(places: Rows) -> bytes:
        part = np.searchsorted(begins, places, side="right") - 1
        arranged = np.argsort(part, kind="stable")
        made = [make(places[part == number] - begins[number]) for number, make in enumerate(makers)]
        back = np.empty_like(arranged)
        back[arranged] = np.arange(len(arranged))
        return joined_json(pa.concat_arrays(made).take(pa.array(back)))

    return LongList(rows_at(order[begin : begin + AT_ONCE]) for begin in range(0, len(order), AT_ONCE))


def times(example_table: ExampleTable) -> LongList:
    """What tells that files and their masks are as they were, by key: times of modification, or ETags."""
    files = example_table.files
    masks = [example_table.labels[name] for name, kind in example_table.kinds.items() if kind == "mask"]
    columns = [files, *map(FileColumns.of, masks)]

    def rows(some: FileColumns, places: Places) -> bytes:
        chosen: list[Column] = [some.keys]
        for column in columns:
            there = some if column is files else column.take(places)
            chosen.append(there.mtimes_ns)
            if column.has_etags:
                chosen.append(there.some_etags)
        return json_rows(chosen)

    return LongList(itertools.starmap(rows, _by_key(files)))


def _listed_columns(
    example_table: ExampleTable, splits: PlacesOfSplits
) -> Callable[[FileColumns, Places], list[Column]]:
    """What makes the columns of files at some places."""
    split_of = np.empty(len(example_table.files), np.min_scalar_type(len(splits)))
    for number, places in enumerate(splits.values()):
        split_of[places] = number
    assigned = Categories(list(splits), split_of)

    def columns(some: FileColumns, places: Places) -> list[Column]:
        labels = (example_table.column(name, places) for name in example_table.labels)
        return [some.keys, some.bytes, *labels, assigned.take(places)]

    return columns


def _held_rows(base: BaseDataset, split: str, rows: Rows) -> Callable[[Rows], Any]:
    """What makes the rows of some of the examples of a split. A mask is the digest of its file, as its path is not known."""
    index, kinds = base.indexes[split], base.manifest.features.label_kinds
    keys, labels = keys_of(index), [name for name, kind in kinds.items() if kind != "mask"]

    def made(places: Rows) -> Any:
        chosen = rows[places]
        digests = (each[chosen] for each in index.mask_source_digests.values())
        return json_of_rows(
            [
                keys.take(chosen),
                index.source_bytes[chosen],
                *(base.column(split, name, chosen) for name in labels),
                Categories([split], np.zeros(len(chosen), np.uint8)),
                *(_hexadecimal(each) for each in digests),
            ]
        )

    return made


def _hexadecimal(digests: npt.NDArray[np.void]) -> PackedTexts:
    return PackedHex(np.frombuffer(digests.tobytes(), np.uint8).reshape(-1, ITEM)).texts


def _by_key(files: FileColumns) -> Iterator[tuple[FileColumns, Places]]:
    """Files in the order of their keys, some at a time, and their places."""
    order = files.keys.order()
    for begin in range(0, len(files), AT_ONCE):
        end = min(begin + AT_ONCE, len(files))
        if order is None:  # no copy is needed
            yield files[begin:end], np.arange(begin, end)
        else:
            yield files.take(order[begin:end]), order[begin:end]


def _order(keys: PackedTexts) -> npt.NDArray[np.int64]:
    """int64 (keys,): the places of the keys, in their order."""
    order = keys.order()
    return np.arange(len(keys)) if order is None else order
