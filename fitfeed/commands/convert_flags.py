"""The flags of `fitfeed convert` that set a field of `ConvertOptions`.

Choices, default and help come from the field. Only how a value is written is said here.
"""

import argparse
import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pydantic.fields import FieldInfo

from fitfeed.commands.option_values import (
    parse_bytes,
    parse_color,
    parse_count,
    parse_separator,
    parse_size,
    parse_split,
    parse_split_folders,
    parse_white,
)
from fitfeed.converters.option_parts.values import as_written, flag_of
from fitfeed.converters.options import ConvertOptions
from fitfeed.schemas.checked_options import choices_of, fields_of, when_none_of

USED = ("size", "split", "format")
STORED = (
    *("encoding", "fit", "quality", "channels", "depth", "white", "color"),
    *("background", "frames", "lossy_masks", "max_pixels"),
)
ARRANGED = ("shards", "shard_bytes", "split_folders", "class_from", "seed", "stratify", "duplicates")
CHOSEN = ("include", "exclude", "mask_from", "group_from")
CLASSES = ("classes", "class_order", "rename_classes", "drop_classes")
FROM_TABLE = ("path_column", "label_columns", "label_separator", "split_column", "group")
"""The options, as the help groups them; the first are those that most people need."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Syntax:
    """How the value of an option is written.

    Attributes:
        metavar: What the help calls the value.
        parse: Text to value.
        note: What the help adds.
        repeated: The flag may be given several times, and each time adds a value.
        read: What was parsed to the option's value, where that opens a file or takes all values of a repeated flag.
    """

    metavar: str
    parse: Callable[[str], object] = str
    note: str = ""
    repeated: bool = False
    read: Callable[[Any], object] | None = None


SYNTAX = {
    "size": Syntax(metavar="N|HxW", parse=parse_size, note="N alone is both"),
    "quality": Syntax(metavar="Q", parse=int),
    "background": Syntax(metavar="R,G,B", parse=parse_color),
    "white": Syntax(metavar="N", parse=parse_white),
    "max_pixels": Syntax(metavar="N", parse=parse_count, note="for example 200M or 2e8"),
    "shards": Syntax(metavar="N", parse=int),
    "shard_bytes": Syntax(metavar="BYTES", parse=parse_bytes, note="for example 64MiB"),
    "split": Syntax(metavar="NAME=SHARE,...", parse=parse_split, note="for example train=0.8,validation=0.2"),
    "split_folders": Syntax(
        metavar="FOLDER=SPLIT,...", parse=parse_split_folders, note="for example Training=train,Testing=test"
    ),
    "seed": Syntax(metavar="N", parse=int),
    "include": Syntax(metavar="GLOB", note="may be repeated", repeated=True),
    "exclude": Syntax(metavar="GLOB", note="may be repeated; for example '*_mask.png'", repeated=True),
    "mask_from": Syntax(metavar="PATTERN", note="for example '{dir}/{stem}_mask.png'"),
    "group_from": Syntax(metavar="REGEX", note="for example 'patient[0-9]+'"),
    "path_column": Syntax(metavar="C"),
    "label_columns": Syntax(metavar="[NAME=]C[:KIND]", note="may be repeated", repeated=True),
    "label_separator": Syntax(metavar="TEXT", parse=parse_separator, note="for example '|', tab or space"),
    "split_column": Syntax(metavar="C[:VALUE=SPLIT,...]"),
    "group": Syntax(metavar="COLUMN"),
    "classes": Syntax(
        metavar="A,B,...|@FILE",
        note="@FILE has one name a line",
        read=lambda text: _class_list(text, "--classes"),
    ),
    "rename_classes": Syntax(
        metavar="OLD=NEW", note="may be repeated", repeated=True, read=lambda texts: _renames(texts)
    ),
    "drop_classes": Syntax(metavar="A,B,...|@FILE", read=lambda text: _class_list(text, "--drop-classes")),
}
"""Of every option that is neither a choice nor a yes or no."""


def add_option_flags(group: "argparse._ActionsContainer", names: Iterable[str]) -> None:
    """Adds the flags of some fields of `ConvertOptions`.

    No flag has a default: those of `ConvertOptions` hold or, with `--append`, what the dataset was made with.
    """
    for name in names:
        _add_flag(group, name)


def given_options(arguments: argparse.Namespace) -> dict[str, object]:
    """The options that were given, by field.

    Raises:
        NotFoundError, UsageError: If a file that has the value of one is not there, or a value is not one.
    """
    values = {name: getattr(arguments, name) for name in fields_of(ConvertOptions)}
    return {name: _read(name, value) for name, value in values.items() if value is not None}


def _read(name: str, value: object) -> object:
    read = SYNTAX[name].read if name in SYNTAX else None
    return value if read is None else read(value)


def _class_list(text: str, flag: str) -> list[str]:
    # It brings NumPy along, for which no completion should wait.
    from fitfeed.commands.class_lists import read_class_list

    return read_class_list(text, flag)


def _renames(texts: Sequence[str]) -> dict[str, str]:
    from fitfeed.commands.class_lists import read_renames

    return read_renames(texts)


def _add_flag(group: "argparse._ActionsContainer", name: str) -> None:
    flag, help_ = flag_of(name), _help(name)
    field = fields_of(ConvertOptions)[name]
    if choices := choices_of(field):
        group.add_argument(flag, dest=name, type=type(choices[0]), choices=choices, help=help_)
    elif field.annotation is bool:
        group.add_argument(flag, dest=name, action="store_true", default=None, help=help_)
    else:
        syntax = SYNTAX[name]
        action = "append" if syntax.repeated else "store"
        group.add_argument(
            flag, dest=name, action=action, type=syntax.parse, metavar=syntax.metavar, help=help_
        )


def _help(name: str) -> str:
    """What the field is, how its value is written, and its default."""
    field = fields_of(ConvertOptions)[name]
    parts = [field.description, SYNTAX[name].note if name in SYNTAX else "", _default(name, field)]
    return "; ".join(part for part in parts if part).replace("%", "%%")


def _default(name: str, field: FieldInfo) -> str:
    if unset := when_none_of(field):
        return f"default: {unset}"
    return (
        ""
        if field.default is None or field.default is False
        else f"default: {as_written(name, field.default)}"
    )
