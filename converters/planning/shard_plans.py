"""What goes into each shard: decided by arithmetic for all of them, written out for one at a time."""

from array import array
from collections.abc import Mapping, Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from fitfeed.converters.file_columns import FileColumns
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.planning.size_estimate import expected_bytes
from fitfeed.converters.sources.examples import ExampleTable, numbers_at, values_at
from fitfeed.converters.sources.splits import PlacesOfSplits
from fitfeed.converters.staging.job import LongList, ShardOutline, ShardPlan, digest_of
from fitfeed.schemas.features import LabelKind
from fitfeed.schemas.integer_column import IntegerColumn
from fitfeed.schemas.json_columns import Column, json_items, json_rows, to_json
from fitfeed.schemas.manifest import SHARD_EXTENSIONS
from fitfeed.schemas.packed_texts import TextsAt
from fitfeed.schemas.sharding import number_of_shards, salted_order, shard_bounds, shard_file_name


class ShardPlans(Sequence[ShardPlan]):
    """The plans of all shards, split after split. Each is made when it is asked for. Thread-safe.

    Attributes:
        outlines: What is known of each without its plan.
    """

    def __init__(
        self,
        splits: PlacesOfSplits,
        example_table: ExampleTable,
        options: ConvertOptions,
        shards_before: Mapping[str, int],
    ) -> None:
        """Decides the order of all images, and where it is cut into shards.

        Args:
            splits: The images of each split.
            example_table: All images.
            options: How to convert.
            shards_before: Split to the number of shards that the dataset has of it already.
        """
        self.outlines: list[ShardOutline] = []
        self._places: list[npt.NDArray[np.integer[Any]]] = []
        self._table, self._options = example_table, options
        for split, places in splits.items():
            self._cut(split, places, shards_before.get(split, 0))

    def _cut(self, split: str, places: npt.NDArray[np.integer[Any]], before: int) -> None:
        options, files = self._options, self._table.files
        ordered = places[salted_order(TextsAt(files.keys, places), seed=options.seed)]
        sizes = files.bytes
        shards = number_of_shards(
            examples=len(places),
            total_bytes=expected_bytes(len(places), int(sizes[places].sum()), options),
            shard_bytes=options.shard_bytes,
            shards=options.shards,
        )
        for position, (start, stop) in enumerate(shard_bounds(len(places), shards)):
            chosen, extension = ordered[start:stop], SHARD_EXTENSIONS[options.format]
            file = shard_file_name(split, before + position, before + shards, extension)
            self.outlines.append(ShardOutline(split, file, len(chosen), int(sizes[chosen].sum())))
            self._places.append(chosen)

    @override
    def __len__(self) -> int:
        return len(self.outlines)

    @overload
    def __getitem__(self, number: int) -> ShardPlan: ...

    @overload
    def __getitem__(self, number: slice) -> list[ShardPlan]: ...

    @override
    def __getitem__(self, number: int | slice) -> ShardPlan | list[ShardPlan]:
        numbers = range(len(self))[number]
        return self._plan(numbers) if isinstance(numbers, int) else [self._plan(each) for each in numbers]

    @override
    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def _plan(self, number: int) -> ShardPlan:
        outline, places = self.outlines[number], self._places[number]
        files, options = self._table.files.take(places), self._options
        labels = {
            name: _planned(values, places, kind=self._table.kinds[name])
            for name, values in self._table.labels.items()
        }
        identities = {name: _label_json(values) for name, values in labels.items()}
        # What is in both is made once.
        files = files.with_etags_as_texts()
        sizes, mtimes_ns = IntegerColumn(files.bytes), IntegerColumn(files.mtimes_ns)
        listed = _identities(files, sizes, mtimes_ns)
        content = [outline.file, listed, identities, options.writing_json()]
        return ShardPlan(
            number=number,
            split=outline.split,
            file=outline.file,
            paths=files.paths,
            keys=files.keys,
            labels=labels,
            bytes=sizes,
            mtimes_ns=mtimes_ns,
            sources=files.sources.tolist() if files.sources.any() else [],
            stored=list(files.stored) if files.stored is not None and any(files.stored) else [],
            digest=digest_of(content),
            etags=files.some_etags if files.has_etags else [],
        )


def _identities(files: FileColumns, sizes: IntegerColumn, mtimes_ns: IntegerColumn) -> LongList:
    """Source and `SourceFile.content_identity` of each file."""
    columns: list[Column] = [files.sources, files.paths, sizes, mtimes_ns]
    if files.etags is not None:
        columns.append(files.some_etags)
    if files.stored is None and (files.etags is None or files.etags.lengths.all()):
        return LongList([json_rows(columns)])
    return LongList(to_json([file.source, *file.content_identity]).encode() for file in files)


def _planned(
    values: Sequence[Any], places: npt.NDArray[np.integer[Any]], *, kind: LabelKind
) -> Sequence[Any]:
    """Labels as they are in the plan. A mask is what was listed of its file."""
    if isinstance(values, array):
        return IntegerColumn(numbers_at(values, places))
    labels = values_at(values, places)
    return [list(mask.content_identity) for mask in labels] if kind == "mask" else labels


def _label_json(values: Sequence[Any]) -> LongList | Sequence[Any]:
    """Labels for `digest_of`."""
    return LongList(json_items(values)) if isinstance(values, IntegerColumn) else values
