"""Writes `duplicates.arrow`: all pairs of images of a dataset that are the same picture, exactly or nearly."""

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fitfeed.converters.duplicates.find_duplicates import DuplicateReport
from fitfeed.converters.planning.base_dataset import BaseDataset
from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.index import Index
from fitfeed.schemas.side_tables import (
    DUPLICATES_NAME,
    PairTable,
    duplicates_schema,
    read_pairs,
    write_table,
)
from fitfeed.schemas.storage.place import Place


def write_pairs(
    place: Place,
    found: DuplicateReport,
    base: BaseDataset | None,
    *,
    require_ours: Callable[[], None] = lambda: None,
) -> None:
    """Writes the pairs, also if the dataset will not be published.

    Images that `--duplicates drop` leaves out are not in the table; the list of rejects has them.

    Args:
        place: Where they are written: the dataset, or the folder of the job.
        found: The duplicates that were found.
        base: The dataset to which images are appended. Its pairs stay, and come first.
        require_ours: Raises an error if another launch has begun meanwhile.

    Raises:
        OSError: If it cannot be written.
    """
    dropped = {reject.path for reject in found.rejects}
    pairs = [pair for pair in [*found.pairs, *found.near_duplicates.pairs] if pair.paths[0] not in dropped]
    complete = found.near_duplicates.exhaustive
    columns = [
        pa.array([pair.paths[0] for pair in pairs], pa.large_string()),
        pa.array([pair.paths[1] for pair in pairs], pa.large_string()),
        pa.array([pair.kind for pair in pairs], pa.large_string()),
        pa.array([pair.distance for pair in pairs], pa.uint8()),
    ]
    if base is not None:
        before = _read_before(base)
        complete &= before is not None and before.complete
        if before is not None:
            held = _only_examples(before, base.indexes)
            columns = [pa.concat_arrays([old, new]) for old, new in zip(held.columns, columns, strict=True)]
    schema = duplicates_schema(complete=complete)
    write_table(place, DUPLICATES_NAME, pa.record_batch(columns, schema=schema), require=require_ours)


def _read_before(base: BaseDataset) -> PairTable | None:
    """The table of the dataset that is appended to; None if it is missing or damaged."""
    try:
        return read_pairs(base.place)
    except DamagedDatasetError:
        return None


def _only_examples(table: PairTable, indexes: Mapping[str, Index]) -> pa.RecordBatch:
    """Leaves out pairs of images that are not examples. An append that was killed may have added them."""
    keys = table.batch.column("key")
    there = np.zeros(len(keys), np.bool_)
    for index in indexes.values():
        there |= pc.is_in(keys, value_set=index.columns()["key"]).to_numpy(zero_copy_only=False)
    return table.batch.filter(pa.array(there))
