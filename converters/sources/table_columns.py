"""Chooses the columns of a table that are read, and what each becomes."""

from typing import NamedTuple

from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.sources.label_values import LabelSpec, parse_spec
from fitfeed.converters.sources.table import Table
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.features import check_label_names

DEFAULT_LABEL_COLUMN = "label"


class TableColumns(NamedTuple):
    """The columns of a table that are read. If `labels` is empty, the class folders are the labels."""

    path: str
    labels: list[LabelSpec]
    split: str | None
    group: str | None

    @property
    def names(self) -> list[str]:
        """All names, in the order in which their values are read."""
        extra = [name for name in (self.split, self.group) if name is not None]
        return [self.path, *(spec.column for spec in self.labels), *extra]


def choose_columns(table: Table, options: ConvertOptions) -> TableColumns:
    """Finds the columns that the options ask for.

    A single label column becomes the feature `label`. Several columns become features of their own names.

    Raises:
        UsageError: If a column does not exist, or two labels cannot be stored side by side.
    """
    path = (
        table.path_column()
        if options.path_column is None
        else table.column(options.path_column, "--path-column")
    )
    parsed = [parse_spec(text) for text in options.label_columns]
    if not parsed and DEFAULT_LABEL_COLUMN in table.columns:
        parsed = [(DEFAULT_LABEL_COLUMN, "class")]
    for column, _ in parsed:
        table.column(column, "--label-column")
    columns = [column for column, _ in parsed]
    if len(set(columns)) != len(columns):
        msg = f"--label-column names a column twice. Received: {', '.join(columns)}"
        raise UsageError(msg)
    names = ["label"] if len(parsed) == 1 else columns
    labels = [LabelSpec(column, kind, name) for (column, kind), name in zip(parsed, names, strict=True)]
    try:
        check_label_names({spec.name: spec.kind for spec in labels})
    except ValueError as error:
        msg = f"{table.name}: {error}. Rename the column."
        raise UsageError(msg) from error
    return TableColumns(
        path=path,
        labels=labels,
        split=options.split_column and table.column(options.split_column, "--split-column"),
        group=options.group and table.column(options.group, "--group"),
    )
