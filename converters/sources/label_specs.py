"""Reads what `--label-column` asks for: which columns of a table become a label, and of which kind."""

import difflib
import shlex
from typing import NamedTuple, get_args

from fitfeed.converters.sources.table import Table
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.features import LabelKind

FLAG = "--label-column"
DEFAULT_KIND: LabelKind = "class"
VECTOR_KINDS: tuple[LabelKind, ...] = ("class", "multiclass", "floats")
"""Kinds that several columns together can be."""

MEANT = {
    **dict.fromkeys(("multilabel", "multi", "labels", "tags", "list", "set"), "multiclass"),
    **dict.fromkeys(("category", "categorical", "factor", "enum", "bool", "boolean", "binary"), "class"),
    **dict.fromkeys(("number", "double", "real", "float32", "float64", "decimal"), "float"),
    **dict.fromkeys(("vector", "numbers", "embedding", "array"), "floats"),
    **dict.fromkeys(("integer", "long", "int32", "int64"), "int"),
    **dict.fromkeys(("string", "str", "caption"), "text"),
    **dict.fromkeys(("image", "segmentation", "path"), "mask"),
}
"""What other libraries call a kind, and what it is here."""


class LabelSpec(NamedTuple):
    """A label of a table.

    Attributes:
        columns: The columns that it is read from. Of several, each is a class, and says whether an image has it; or, of
            kind floats, each is a number.
        kind: What it is.
        name: The feature that it is stored as.
    """

    columns: tuple[str, ...]
    kind: LabelKind
    name: str

    @property
    def is_vector(self) -> bool:
        """Whether it is read from several columns."""
        return len(self.columns) > 1

    def written(self, kind: LabelKind | None = None) -> str:
        """The option that asks for it, for a message; `kind`: of another kind."""
        columns = ",".join(self.columns)
        name = f"{self.name}=" if self.is_vector else ""
        return f"{FLAG} {shlex.quote(f'{name}{columns}:{kind or self.kind}')}"


class AskedLabel(NamedTuple):
    """What one `--label-column` asks for.

    Attributes:
        name: What the label is called: the `NAME` before `=`, or else the column as it was written.
        is_named: There is such a `NAME`.
        columns: The columns of the table.
        kind: What it is.
    """

    name: str
    is_named: bool
    columns: tuple[str, ...]
    kind: LabelKind


def parse_label_spec(text: str, table: Table) -> AskedLabel:
    """Reads `[NAME=]COLUMN[,COLUMN...][:KIND]`. A column that is really called so comes first.

    Args:
        text: The value of the option. `A..C` stands for all columns from A to C.
        table: The table.

    Raises:
        UsageError: If there is no such column or no such kind.
    """
    target, colon, word = text.rpartition(":")
    kind = next((known for known in get_args(LabelKind) if colon and known == word), None)
    if kind is not None and (_fits(target, table) or not table.has(text)):
        return _asked(target, kind, table)
    if colon and not _fits(text, table) and _fits(target, table):
        raise UsageError(_no_such_kind(text, target, word))
    return _asked(text, DEFAULT_KIND, table)


def require_possible(spec: LabelSpec) -> None:
    """Checks that columns are of a kind that they can be, together or alone.

    Raises:
        UsageError: If they are not.
    """
    if not spec.is_vector and spec.kind == "floats":
        msg = f"kind floats is for several columns, {FLAG} NAME=A,B,C:floats, and {spec.columns[0]!r} is one. Give {spec.written('float')}."
        raise UsageError(msg)
    if spec.is_vector and spec.kind not in VECTOR_KINDS:
        ways = " or ".join(spec.written(kind) for kind in VECTOR_KINDS)
        msg = f"several columns cannot be one label of kind {spec.kind}. Give {ways}, or one {FLAG} for each column."
        raise UsageError(msg)
    if len(set(spec.columns)) != len(spec.columns):
        msg = f"{FLAG} names a column twice. Received: {', '.join(spec.columns)}"
        raise UsageError(msg)


def _asked(target: str, kind: LabelKind, table: Table) -> AskedLabel:
    """What a text without a kind asks for.

    Raises:
        UsageError: If it names a column that the table does not have.
    """
    name, equals, listed = (part.strip() for part in target.partition("="))
    if table.has(target) or not equals:
        return AskedLabel(target, False, (table.column(target, FLAG),), kind)
    columns = _range(listed, table) or [
        column
        for part in listed.split(",")
        for column in (_range(part, table) or [table.column(part.strip(), FLAG)])
    ]
    return AskedLabel(name or listed, bool(name), tuple(columns), kind)


def _fits(target: str, table: Table) -> bool:
    try:
        _asked(target, DEFAULT_KIND, table)
    except UsageError:
        return False
    return True


def _range(text: str, table: Table) -> list[str]:
    """The column of a name, or all columns of `FIRST..LAST`; empty if there are none."""
    if table.has(text.strip()):
        return [table.column(text.strip(), FLAG)]
    first, dots, last = (part.strip() for part in text.partition(".."))
    if not dots or not table.has(first) or not table.has(last):
        return []
    begin, end = (table.columns.index(table.column(each, FLAG)) for each in (first, last))
    return table.columns[begin : end + 1]


def _no_such_kind(text: str, target: str, word: str) -> str:
    kinds = get_args(LabelKind)
    near = difflib.get_close_matches(word.lower(), kinds, n=1)
    meant = MEANT.get(word.lower()) or (near[0] if near else None)
    hint = f" Did you mean {FLAG} {shlex.quote(f'{target}:{meant}')}?" if meant else ""
    return f"{FLAG} {shlex.quote(text)}: there is no kind {word!r}. The kinds are {', '.join(kinds)}.{hint}"
