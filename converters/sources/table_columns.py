"""Chooses the columns of a table that are read, and what each becomes."""

from collections.abc import Sequence
from typing import NamedTuple

from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.sources.label_specs import AskedLabel, LabelSpec, parse_label_spec, require_possible
from fitfeed.converters.sources.label_values import SEPARATOR
from fitfeed.converters.sources.split_values import SplitSpec, parse_split_spec
from fitfeed.converters.sources.table import Table
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.features import check_label_names

DEFAULT_LABEL_COLUMN = "label"

BOX_COLUMNS = frozenset(
    [
        *("bbox", "bboxes", "boxes", "bounding_box", "xmin", "ymin", "xmax", "ymax"),
        *("x_min", "y_min", "x_max", "y_max", "bbox_x", "bbox_y"),
    ]
)
"""Usual names of columns of labels for detection, in lower case."""


class TableColumns(NamedTuple):
    """The columns of a table that are read. If `labels` is empty, the class folders are the labels."""

    path: str
    labels: list[LabelSpec]
    split: SplitSpec | None
    group: str | None
    separator: str = SEPARATOR
    """What is between the classes of a multiclass field."""

    @property
    def names(self) -> list[str]:
        """All names, in the order in which their values are read."""
        split = None if self.split is None else self.split.column
        extra = [name for name in (split, self.group) if name is not None]
        return [self.path, *(column for spec in self.labels for column in spec.columns), *extra]


def choose_columns(table: Table, options: ConvertOptions) -> TableColumns:
    """Finds the columns that the options ask for.

    A single label that is given no name becomes the feature `label`. Several become features of their columns' names.

    Raises:
        UsageError: If a column does not exist, or two labels cannot be stored side by side.
    """
    path = (
        table.path_column()
        if options.path_column is None
        else table.column(options.path_column, "--path-column")
    )
    asked = [parse_label_spec(text, table) for text in options.label_columns]
    if not asked and table.has(DEFAULT_LABEL_COLUMN):
        asked = [parse_label_spec(DEFAULT_LABEL_COLUMN, table)]
    labels = _specs(asked, table)
    if options.label_separator is not None and not any(_is_separated(spec) for spec in labels):
        msg = "--label-separator separates the classes in a field of a multiclass column, and no --label-column is one. Add :multiclass to it, or leave --label-separator out."
        raise UsageError(msg)
    return TableColumns(
        path=path,
        labels=labels,
        split=None if options.split_column is None else parse_split_spec(options.split_column, table),
        group=options.group and table.column(options.group, "--group"),
        separator=options.label_separator or SEPARATOR,
    )


def box_hints(table: Table, labels: Sequence[LabelSpec]) -> list[str]:
    """Warns of columns of boxes, unless a label is read from them."""
    read = {column for spec in labels for column in spec.columns}
    boxes = [name for name in table.columns if name.lower() in BOX_COLUMNS and name not in read]
    return (
        [
            f"{table.name} has columns of boxes ({', '.join(boxes)}), which are left out: labels for detection are not read yet, "
            "and a table must have one row for each image"
        ]
        if boxes
        else []
    )


def _specs(asked: list[AskedLabel], table: Table) -> list[LabelSpec]:
    """The labels, each with its name."""
    single = len(asked) == 1
    labels = [
        LabelSpec(each.columns, each.kind, "label" if single and not each.is_named else each.name)
        for each in asked
    ]
    for spec in labels:
        require_possible(spec)
    names = [spec.name for spec in labels]
    if len(set(names)) != len(names):
        msg = f"--label-column names a column twice. Received: {', '.join(names)}"
        raise UsageError(msg)
    try:
        check_label_names({spec.name: spec.kind for spec in labels})
    except ValueError as error:
        msg = f"{table.name}: {error}. Give it another name: --label-column NAME=COLUMN:KIND."
        raise UsageError(msg) from error
    return labels


def _is_separated(spec: LabelSpec) -> bool:
    return spec.kind == "multiclass" and not spec.is_vector
