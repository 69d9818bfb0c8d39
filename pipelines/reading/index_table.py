"""The index as an Arrow table, to look things up, choose examples and join predictions."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.features import ClassFeature, Features
from fitfeed.schemas.index import Index

if TYPE_CHECKING:
    import pyarrow.compute as pc

NUMBER = "example"
SPLIT = "split"
_ROW = "/row"
"""No label can have this name."""

_HINTS = {
    "types (int64, string)": " A class is a number in its label; its name is in the column <label>_name.",
    "types (dictionary": " Write .cast('string') after the field: its texts are numbered.",
}
"""By what Arrow says."""


def index_table(indexes: Sequence[Index], features: Features, splits: Sequence[str]) -> pa.Table:
    """Makes a table of the indexes of some splits, one after the other. Columns of the files are not copied.

    Args:
        indexes: The index of each split.
        features: Features of the dataset.
        splits: The name of each split.

    Returns:
        The columns of the index, with three kinds of columns before them: `example`, the number of the
        example; `split`, its name; and for each label with one class `<label>_name`, the name of the class.
        A label that is called so keeps its column, and is the only one of that name.

    Raises:
        DamagedDatasetError: If a file has texts, lists or names that are none.
    """
    parts, first = [], 0
    for number, index in enumerate(indexes):
        # Whoever gets the table reads all of it, with code that trusts its offsets.
        index.require_valid()
        columns = index.columns()
        rows = np.arange(first, first + len(index))
        of_split = pa.DictionaryArray.from_arrays(
            pa.array(np.full(len(index), number, np.int16)), list(splits)
        )
        added = {NUMBER: pa.array(rows), SPLIT: of_split, **_class_names(columns, features)}
        parts.append(pa.table({**{name: added[name] for name in added if name not in columns}, **columns}))
        first += len(index)
    return pa.concat_tables(parts).unify_dictionaries()


def _class_names(columns: dict[str, Any], features: Features) -> dict[str, Any]:
    return {
        f"{name}_name": pa.DictionaryArray.from_arrays(columns[name], feature.class_names)
        for name, feature in features.labels.items()
        if isinstance(feature, ClassFeature)
    }


def numbers_where(table: pa.Table, expression: "pc.Expression") -> npt.NDArray[np.int64]:
    """Finds the rows of a table that fulfil an expression.

    Args:
        table: From `index_table`.
        expression: True, false or null for each row.

    Returns:
        int64 (n,), ascending.

    Raises:
        UsageError: If it cannot be evaluated: a column is not there, say.
    """
    import pyarrow.dataset  # takes 0.1 s

    numbered = table.append_column(_ROW, pa.array(np.arange(len(table))))
    try:
        found = pyarrow.dataset.dataset(numbered).scanner(columns=[_ROW], filter=expression).to_table()
    except (pa.ArrowException, TypeError, ValueError) as error:
        reason = str(error).partition(" in example: ")[0].partition("\n")[0]
        hint = next((hint for part, hint in _HINTS.items() if part in reason), "")
        msg = (
            f"the expression cannot be evaluated over the index: {reason}. Received: {expression}.{hint} The columns of "
            f"the index: {', '.join(table.column_names)}."
        )
        raise UsageError(msg) from error
    numbers: npt.NDArray[np.int64] = np.sort(found[_ROW].to_numpy())
    return numbers
