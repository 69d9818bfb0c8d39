"""The pairs of pictures that are the same, exactly or nearly: where each of them is."""

from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from fitfeed.report.facts import Example, Tables
from fitfeed.schemas.side_tables import DUPLICATES_NAME, read_pairs
from fitfeed.schemas.storage.place import Place

SHOWN_PAIRS = 24


class Pair(NamedTuple):
    """Two examples that show the same picture.

    Attributes:
        first: The one that comes first.
        second: The other one.
        exact: Whether all pixels are equal. If not, the two look alike.
        labels_differ: Whether they have different labels.
        distance: How many of the 128 bits of their hashes differ. It may be 0 where pixels are not equal.
    """

    first: Example
    second: Example
    exact: bool
    labels_differ: bool
    distance: int


class Pairs(NamedTuple):
    """Some pairs of a dataset, without those of images that are not examples: an append that was killed may have added them.

    Attributes:
        shown: The first pairs.
        listed: How many pairs the table lists, by kind.
        alike: How many examples look like an earlier one of their split.
        alike_across: How many examples look like one of an earlier split. Both are as the summary of `fitfeed convert` counts.
        complete: Whether the table lists all pairs. If not, all counts are lower bounds.
    """

    shown: list[Pair]
    listed: dict[str, int]
    alike: int = 0
    alike_across: int = 0
    complete: bool = True


def find_pairs(tables: Tables, place: Place) -> Pairs | None:
    """Finds the examples of the first pairs; None if the table of duplicates was deleted, which anybody may do.

    Raises:
        DamagedDatasetError: If the table is not what was stored.
    """
    if not place.area().has_file(DUPLICATES_NAME):
        return None
    table = read_pairs(place)
    batch = _only_examples(tables, table.batch)
    kinds = {
        str(pair["values"]): int(pair["counts"]) for pair in batch.column("kind").value_counts().to_pylist()
    }
    rows = batch.slice(0, SHOWN_PAIRS).to_pylist()
    places = _places(tables, [row["of"] for row in rows] + [row["key"] for row in rows])
    pairs = [
        Pair(
            places[row["of"]],
            places[row["key"]],
            exact=not row["kind"].startswith("near_"),
            labels_differ=row["kind"].endswith("label_conflict"),
            distance=row["distance"],
        )
        for row in rows
    ]
    within, across = (_images(batch, kind) for kind in ("near_duplicate", "near_split_leak"))
    return Pairs(pairs, kinds, alike=within, alike_across=across, complete=table.complete)


def _only_examples(tables: Tables, batch: Any) -> Any:
    """The pairs of a record batch of which both images are examples."""
    named = pa.concat_arrays([batch.column("key"), batch.column("of")])
    there = [index["key"].filter(pc.is_in(index["key"], value_set=named)) for index in tables.values()]
    keys = pa.concat_arrays([chunk for column in there for chunk in column.chunks] or [named[:0]])
    return batch.filter(pc.and_(*(pc.is_in(batch.column(name), value_set=keys) for name in ("key", "of"))))


def _images(batch: Any, kind: str) -> int:
    """How many images the pairs of a kind have, each with one that comes first. One may be like many."""
    return int(pc.count_distinct(batch.column("key").filter(pc.equal(batch.column("kind"), kind))).as_py())


def _places(tables: Tables, keys: list[str]) -> dict[str, Example]:
    """Where the examples with some keys are."""
    wanted, found = pa.array(keys, pa.large_string()), dict[str, Example]()
    for split, index in tables.items():
        column = index["key"]
        for row in pc.indices_nonzero(pc.is_in(column, value_set=wanted)).to_pylist():
            found[str(column[row])] = Example(split, int(row))
    return found
