"""The options of a conversion: frozen, and checked when they are made.

A field says all that is known of an option, once: `fitfeed.schemas.checked_options` has how. Its description is
also the help of its flag. Each part is a file of `option_parts`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from fitfeed.converters.option_parts.choosing import ChoosingOptions
from fitfeed.converters.option_parts.classes import ClassOptions
from fitfeed.converters.option_parts.labeling import LabelOptions
from fitfeed.converters.option_parts.sharding import ShardingOptions
from fitfeed.converters.option_parts.splitting import SplitOptions
from fitfeed.converters.option_parts.storage import StorageOptions
from fitfeed.converters.option_parts.values import as_json, flag_of
from fitfeed.schemas.checked_options import checked_options, fields_of
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.strict_json import JsonObject

Duplicates = Literal["keep", "drop", "fail"]

TABLE_OPTIONS = ("path_column", "label_columns", "label_separator", "split_column", "group")
"""Options that need a table of labels."""

CLASS_OPTIONS = ("class_order", "classes", "rename_classes", "drop_classes")

PIXEL_OPTIONS = ("white", "color", "lossy_masks")

CHOOSING_OPTIONS = ("include", "exclude", "mask_from", "group_from")

LATER_OPTIONS = frozenset(
    {*TABLE_OPTIONS, *CLASS_OPTIONS, *PIXEL_OPTIONS, *CHOOSING_OPTIONS, "stratify", "depth", "split_folders"}
)
"""Options that a manifest records only where they differ from the default, because they were added later."""

RECORDED_ORDER = (
    *("format", "encoding", "size", "fit", "quality", "channels", "depth", "background", "frames"),
    *PIXEL_OPTIONS,
    *("max_pixels", "shards", "shard_bytes", "split", "class_from", "seed", "duplicates"),
    *("path_column", "label_columns", "split_column", "stratify", "group"),
    "label_separator",
    "split_folders",
    *CLASS_OPTIONS,
    *CHOOSING_OPTIONS,
)
"""The order of the options in a manifest."""


@checked_options
class ConvertOptions(
    LabelOptions, ClassOptions, ChoosingOptions, SplitOptions, ShardingOptions, StorageOptions
):
    """Everything that decides the bytes of a dataset, besides its source: all its parts in one.

    A function that needs a part alone says so, and is handed the whole. A value, or a combination of values, that is
    not allowed is refused with a `UsageError`.
    """

    duplicates: Annotated[
        Duplicates,
        Field(
            description="images of a split with exactly the pixels of another one in it: keep and count them, "
            "drop all but the first by path, or fail and publish nothing"
        ),
    ] = "keep"

    @model_validator(mode="after")
    def _check_grouping(self) -> Self:
        if self.group_from is not None and self.group is not None:
            msg = f"--group {self.group} and --group-from both say which group an image is in. Give one of them."
            raise UsageError(msg)
        if self.group_from is not None and self.stratify:
            msg = "--stratify and --group-from contradict each other: whole groups cannot have exact shares of each class. Give one of them."
            raise UsageError(msg)
        return self

    @property
    def needs_table(self) -> str | None:
        """The flag of the first option given that makes no sense without a table."""
        return next((flag_of(name) for name in TABLE_OPTIONS if getattr(self, name)), None)

    def to_json(self) -> JsonObject:
        """The options as the manifest records them."""
        fields = fields_of(ConvertOptions)
        values = {name: getattr(self, name) for name in RECORDED_ORDER}
        return {
            name: as_json(value)
            for name, value in values.items()
            if name not in LATER_OPTIONS or value != fields[name].default
        }

    def writing_json(self) -> JsonObject:
        """The options that shards are written by; `duplicates` is decided when all of them are there."""
        return {name: value for name, value in self.to_json().items() if name != "duplicates"}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "ConvertOptions":
        """Inverse of `to_json`.

        Raises:
            UsageError: If the content is not options as this version has them.
        """
        return cls(**content)
