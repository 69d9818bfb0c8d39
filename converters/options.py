"""The options of a conversion: frozen, and checked when they are made.

A field says all that is known of an option, once: `fitfeed.schemas.checked_options` has how. Its description is
also the help of its flag.
"""

import math
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from fitfeed.schemas.base_model import Depth
from fitfeed.schemas.checked_options import MustBe, WhenNone, checked_options, fields_of
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.strict_json import Json, JsonObject

Format = Literal["tfrecord", "hdf5"]
Encoding = Literal["keep", "jpeg", "png", "raw"]
Fit = Literal["shorter", "cover", "contain", "stretch"]
ClassFrom = Literal["first", "parent", "path"]
Frames = Literal["first", "reject"]
Duplicates = Literal["keep", "drop", "fail"]

Positive = Annotated[int, Field(ge=1)]
Byte = Annotated[int, Field(ge=0, le=255)]

# Not strict about the tuple itself: JSON and the command line have lists.
Size = Annotated[tuple[Positive, Positive], Field(strict=False)]
Color = Annotated[tuple[Byte, Byte, Byte], Field(strict=False)]
Columns = Annotated[tuple[str, ...], Field(strict=False)]

AT_LEAST_1 = MustBe("a whole number, at least 1")
COLUMN = MustBe("the name of a column")

TABLE_OPTIONS = ("path_column", "label_columns", "split_column", "group")
"""Options that need a table of labels."""

LATER_OPTIONS = frozenset({*TABLE_OPTIONS, "stratify", "depth"})
"""Options that a manifest records only where they differ from the default, because they were added later."""

RECORDED_ORDER = (
    *("format", "encoding", "size", "fit", "quality", "channels", "depth", "background", "frames"),
    *("max_pixels", "shards", "shard_bytes", "split", "class_from", "seed", "duplicates"),
    *("path_column", "label_columns", "split_column", "stratify", "group"),
)
"""The order of the options in a manifest."""

SPLIT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@checked_options
class StorageOptions:
    """How an image is decoded and stored."""

    format: Annotated[Format, Field(description="container of the shards")] = "tfrecord"
    encoding: Annotated[
        Encoding | None,
        Field(
            description="keep: the original bytes (converted losslessly where they are not an upright RGB or gray JPEG or PNG); "
            "jpeg, png: encoded again; raw: plain pixels"
        ),
        WhenNone("keep, or jpeg with --size (png with --depth 16)"),
    ] = None
    size: Annotated[
        Size | None,
        Field(description="target height and width in pixels"),
        MustBe("a positive number of pixels, N or HxW"),
        WhenNone("images keep their own"),
    ] = None
    fit: Annotated[
        Fit | None,
        Field(
            description="shorter: the smallest image that covers --size, with its aspect ratio and all its pixels; "
            "cover: fill it and crop the center; contain: fit inside and pad; stretch: distort"
        ),
        WhenNone("shorter, or cover for raw"),
    ] = None
    quality: Annotated[int, Field(ge=1, le=100, description="JPEG quality, 1 to 100"), MustBe("1 to 100")] = (
        90
    )
    channels: Annotated[Literal[1, 3], Field(description="1 for gray, 3 for RGB")] = 3
    depth: Annotated[
        Depth,
        Field(
            description="bits per value: 16 keeps those of 16-bit PNG and TIFF and widens the others to 0..65535, "
            "in keep, png or raw"
        ),
    ] = 8
    background: Annotated[
        Color,
        Field(description="color that transparent pixels are composited on, and that contain pads with"),
        MustBe("R,G,B, each 0 to 255"),
    ] = (255, 255, 255)
    frames: Annotated[
        Frames, Field(description="take the first frame of animated and multi-page images, or reject them")
    ] = "first"
    max_pixels: Annotated[
        Positive, Field(description="images with more pixels are refused before they are decoded"), AT_LEAST_1
    ] = 89_478_485  # Pillow's own warning limit: 1/4 GiB of RGB pixels

    @model_validator(mode="after")
    def _fill_in(self) -> Self:
        """The defaults that depend on other options."""
        if self.encoding is None:
            object.__setattr__(self, "encoding", self._default_encoding())
        if self.fit is None:
            object.__setattr__(self, "fit", "cover" if self.encoding == "raw" else "shorter")
        return self

    def _default_encoding(self) -> Encoding:
        if self.size is None:
            return "keep"
        return "jpeg" if self.depth == 8 else "png"

    @model_validator(mode="after")
    def _check_storage(self) -> Self:
        if self.encoding == "jpeg" and self.depth != 8:
            msg = "encoding 'jpeg' has 8 bits per value, so it cannot keep 16. Use --encoding keep, png or raw with --depth 16, or leave --depth out."
            raise UsageError(msg)
        if self.encoding == "keep" and self.size is not None:
            msg = "encoding 'keep' stores the original bytes, which have no other size. Use --encoding jpeg, png or raw with --size, or leave --size out."
            raise UsageError(msg)
        if self.encoding == "raw" and self.size is None:
            msg = "encoding 'raw' needs one fixed shape for all images. Add --size N or --size HxW."
            raise UsageError(msg)
        if self.encoding == "raw" and self.fit == "shorter":
            msg = "encoding 'raw' needs one fixed shape, and --fit shorter keeps each image's own aspect ratio. Use --fit cover, contain or stretch."
            raise UsageError(msg)
        return self

    @property
    def fixed_shape(self) -> tuple[int, int] | None:
        """The (height, width) that every stored image has, or None where they differ."""
        return None if self.fit == "shorter" else self.size


@checked_options
class ShardingOptions:
    """How many files the images fill."""

    shards: Annotated[
        Positive | None, Field(description="shards per split"), AT_LEAST_1, WhenNone("by size")
    ] = None
    shard_bytes: Annotated[
        Positive | None,
        Field(description="size of a shard in bytes"),
        AT_LEAST_1,
        WhenNone("128MiB, with up to 8 smaller shards for a small dataset"),
    ] = None

    @model_validator(mode="after")
    def _check_sharding(self) -> Self:
        if self.shards is not None and self.shard_bytes is not None:
            msg = "--shards and --shard-size contradict each other. Give one of them."
            raise UsageError(msg)
        return self


@checked_options
class SplitOptions:
    """Which split an image goes to, and in which order the images of a split are stored."""

    split: Annotated[
        Mapping[str, float] | None,
        Field(description="names of the splits and their shares, by hash of the path"),
        MustBe("shares by name, such as train=0.8,validation=0.2"),
        WhenNone("by the source's split folders, else all train"),
    ] = None
    seed: Annotated[int, Field(description="salt of order and split"), MustBe("a whole number")] = 0
    split_column: Annotated[
        str | None,
        Field(description="column that names the split: train, validation (val, valid) or test"),
        COLUMN,
    ] = None
    stratify: Annotated[
        bool,
        Field(description="with --split: every class in the same shares, each to within one image"),
        MustBe("True or False"),
    ] = False
    group: Annotated[
        str | None,
        Field(
            description="column of which no value may be in two splits: --split then divides by it; "
            "with other splits that is exit status 4"
        ),
        COLUMN,
    ] = None

    @model_validator(mode="after")
    def _check_splitting(self) -> Self:
        if self.split is not None and self.split_column is not None:
            msg = f"--split and --split-column {self.split_column} contradict each other. Give one of them."
            raise UsageError(msg)
        if self.stratify and self.split is None:
            msg = "--stratify gives every class the shares of --split, and there is none. Add for example --split train=0.8,validation=0.2."
            raise UsageError(msg)
        if self.stratify and self.group is not None:
            msg = "--stratify and --group contradict each other: whole groups cannot have exact shares of each class. Give one of them."
            raise UsageError(msg)
        if self.split is not None:
            check_shares(self.split)
        return self


@checked_options
class LabelOptions:
    """Where the labels of an image come from."""

    class_from: Annotated[
        ClassFrom,
        Field(
            description="with nested folders, the class is the first one, the image's own, or all joined by /"
        ),
    ] = "first"
    path_column: Annotated[
        str | None,
        Field(description="column that names the images, relative to SOURCE"),
        COLUMN,
        WhenNone("the one called path, file, image or the like"),
    ] = None
    label_columns: Annotated[
        Columns,
        Field(
            description="column that is a label, of kind class, multiclass (several, separated by ; or a JSON list), "
            "float, int, text, or mask (path of an image); without KIND: class"
        ),
        MustBe("names of columns, each as COLUMN or COLUMN:KIND"),
        WhenNone("the one called label, else the class folders"),
    ] = ()


@checked_options
class ConvertOptions(LabelOptions, SplitOptions, ShardingOptions, StorageOptions):
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


FLAGS = {"shard_bytes": "--shard-size", "label_columns": "--label-column"}
"""Flags that are not called like their options."""


def flag_of(name: str) -> str:
    """How the command line calls an option."""
    return FLAGS.get(name) or f"--{name.replace('_', '-')}"


def as_written(name: str, value: object) -> str:
    """An option's value as the command line takes it."""
    if value is None or value == ():
        return "none"
    if isinstance(value, Mapping):
        return ",".join(f"{key}={share:g}" for key, share in value.items())
    if isinstance(value, tuple):
        return ("x" if name == "size" else ",").join(map(str, value))
    return str(value)


def as_json(value: Any) -> Json:
    """An option's value as JSON has it."""
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value


def check_shares(shares: Mapping[str, float]) -> None:
    """Checks the shares of `--split`.

    Raises:
        UsageError: If a name or a share is not allowed, or the shares do not sum to 1.
    """
    given = as_written("split", shares)
    for name, share in shares.items():
        if not SPLIT_NAME.fullmatch(name):
            msg = f"a split's name must be letters, digits and '_', starting with a letter. Received: {name!r} in --split {given}"
            raise UsageError(msg)
        if not 0 < share <= 1:
            msg = f"a split's share must be above 0 and at most 1. Received: {name}={share:g}"
            raise UsageError(msg)
    total = math.fsum(shares.values())
    if not math.isclose(total, 1, abs_tol=1e-6):
        msg = f"the shares of --split must sum to 1, so that no image is lost or used twice. Received: {given}, which sum to {total:g}"
        raise UsageError(msg)
