"""Decides which split each labeled file goes to."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.sources.examples import ExampleTable, in_split_order
from fitfeed.converters.sources.group_leaks import check_groups
from fitfeed.schemas.categories import Categories
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.sharding import splits_of, stratified_splits

PlacesOfSplits = Mapping[str, npt.NDArray[np.integer[Any]]]
"""Split to the places of its images in the table."""


def by_split(example_table: ExampleTable, options: ConvertOptions, *, allow_leaks: bool) -> PlacesOfSplits:
    """Divides the labeled files into splits.

    Args:
        example_table: The files.
        options: `split`, `stratify`, `group`, `group_from`, `seed`.
        allow_leaks: Whether a group may be in two splits.

    Returns:
        Split name to the places of its files; no split is empty. The order is train, validation, test, then
        others; with `--split` it is the order given.

    Raises:
        SplitLeakError: If a group is in two splits.
        UsageError: If an option does not fit the labels or splits.
    """
    keys = example_table.files.keys
    assigned = _assign(keys, example_table, options)
    if example_table.groups is not None and options.split is None:
        check_groups(keys, example_table.groups, assigned, options, allow_leaks=allow_leaks)
    few = np.min_scalar_type(len(keys))  # half the memory of int64 for ten million
    places = {
        name: np.flatnonzero(assigned.numbers == number).astype(few)
        for number, name in enumerate(assigned.names)
    }
    names = in_split_order(set(places)) if options.split is None else list(options.split)
    return {name: places[name] for name in names if len(places.get(name, ()))}


def _assign(keys: Sequence[str], example_table: ExampleTable, options: ConvertOptions) -> Categories[str]:
    """The split of each file."""
    if options.split is None:
        return example_table.splits.renamed([split or "train" for split in example_table.splits.names])
    if options.stratify:
        return _stratified(keys, example_table, options)
    salted = keys if example_table.groups is None else example_table.groups
    return splits_of(salted, options.split, seed=options.seed)


def _stratified(keys: Sequence[str], example_table: ExampleTable, options: ConvertOptions) -> Categories[str]:
    name = example_table.classes
    if name is None or example_table.kinds[name] != "class":
        kinds = ", ".join(f"{label}:{kind}" for label, kind in example_table.kinds.items())
        msg = f"--stratify needs a label that gives each image one class. Received: {kinds}."
        raise UsageError(msg)
    of_class: defaultdict[int, list[int]] = defaultdict(list)
    for place, label in enumerate(example_table.labels[name]):
        of_class[label].append(place)
    assigned = [""] * len(keys)
    for places in of_class.values():
        splits = stratified_splits([keys[place] for place in places], options.split or {}, seed=options.seed)
        for place, split in zip(places, splits, strict=True):
            assigned[place] = split
    return Categories.of(assigned)
