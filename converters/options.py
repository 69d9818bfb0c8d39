"""The options of a conversion: frozen, checked at construction."""

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from fitfeed.schemas.bit_depth import Depth
from fitfeed.schemas.errors import UsageError

Format = Literal["tfrecord", "hdf5"]
Encoding = Literal["keep", "jpeg", "png", "raw"]
Fit = Literal["shorter", "cover", "contain", "stretch"]
ClassFrom = Literal["first", "parent", "path"]
Frames = Literal["first", "reject"]
Duplicates = Literal["keep", "drop", "fail"]

TABLE_OPTIONS = {
    "path_column": "--path-column",
    "label_columns": "--label-column",
    "split_column": "--split-column",
    "group": "--group",
    "stratify": None,
}
"""What a table of labels brought along, and how the command line calls it where it needs a table."""

LATER_OPTIONS: dict[str, Any] = {
    "path_column": None,
    "label_columns": (),
    "split_column": None,
    "group": None,
    "stratify": False,
    "depth": 8,
}
"""Options that came later, and what they were before: a dataset that has that says nothing of them."""

RECORDED_ORDER = (
    *("format", "encoding", "size", "fit", "quality", "channels", "depth", "background", "frames"),
    *("max_pixels", "shards", "shard_bytes", "split", "class_from", "seed", "duplicates"),
    *("path_column", "label_columns", "split_column", "stratify", "group"),
)
"""How a manifest orders the options, whatever part they belong to."""

SPLIT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclasses.dataclass(frozen=True, kw_only=True)
class StorageOptions:
    """How an image is decoded and stored.

    Attributes:
        format: Container of the shards.
        encoding: How an image is stored. `keep` leaves the original bytes untouched where they
            already are an upright RGB or grey JPEG or PNG. None: `jpeg` (`png` for 16 bits) with
            `size`, else `keep`.
        size: Target (height, width) in pixels, or None to leave sizes as they are.
        fit: How an image meets `size`: `shorter` (smallest image that covers it, aspect ratio and
            all pixels kept), `cover` (fill it, crop the centre), `contain` (fit inside, pad with
            `background`) or `stretch`. None: `shorter`, or `cover` for `raw`.
        quality: JPEG quality, 1 to 100.
        channels: 3 for RGB or 1 for grey.
        depth: Bits per value. 16: images are uint16, 8-bit ones widened to 0..65535; not for `jpeg`.
        background: RGB that transparent pixels are composited on and `contain` pads with, 0..255.
        frames: Take the `first` frame of animated and multi-page images, or `reject` them.
        max_pixels: Images with more pixels than this are refused before they are decoded.
    """

    format: Format = "tfrecord"
    encoding: Encoding | None = None
    size: tuple[int, int] | None = None
    fit: Fit | None = None
    quality: int = 90
    channels: Literal[1, 3] = 3
    depth: Depth = 8
    background: tuple[int, int, int] = (255, 255, 255)
    frames: Frames = "first"
    max_pixels: int = 89_478_485  # Pillow's own warning limit: 1/4 GiB of RGB pixels

    def __post_init__(self) -> None:
        """Fills in the defaults that depend on other options, and checks all of them."""
        if self.encoding is None:
            object.__setattr__(self, "encoding", self._default_encoding())
        if self.fit is None:
            object.__setattr__(self, "fit", "cover" if self.encoding == "raw" else "shorter")
        _check_choice("format", self.format, get_args(Format))
        _check_choice("encoding", self.encoding, get_args(Encoding))
        _check_choice("fit", self.fit, get_args(Fit))
        _check_choice("channels", self.channels, (1, 3))
        _check_choice("depth", self.depth, get_args(Depth))
        _check_choice("frames", self.frames, get_args(Frames))
        self._check_numbers()
        self._check_combinations()

    def _default_encoding(self) -> Encoding:
        if self.size is None:
            return "keep"
        return "jpeg" if self.depth == 8 else "png"

    def _check_numbers(self) -> None:
        if self.size is not None and (len(self.size) != 2 or min(self.size) < 1):
            msg = f"size must be a positive number of pixels, N or HxW. Received: size={self.size}"
            raise UsageError(msg)
        if not 1 <= self.quality <= 100:
            msg = f"quality must be 1 to 100. Received: quality={self.quality}"
            raise UsageError(msg)
        if len(self.background) != 3 or not all(0 <= value <= 255 for value in self.background):
            msg = f"background must be R,G,B, each 0 to 255. Received: background={self.background}"
            raise UsageError(msg)
        _check_positive("max_pixels", self.max_pixels)

    def _check_combinations(self) -> None:
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

    @property
    def fixed_shape(self) -> tuple[int, int] | None:
        """The (height, width) that every stored image has, or None where they differ."""
        return None if self.fit == "shorter" else self.size


@dataclasses.dataclass(frozen=True, kw_only=True)
class ShardingOptions:
    """How many files the images fill.

    Attributes:
        shards: Shards per split, or None to go by size.
        shard_bytes: Size of a shard in bytes, or None for 128 MiB, less for small datasets.
    """

    shards: int | None = None
    shard_bytes: int | None = None

    def __post_init__(self) -> None:
        """Checks them."""
        _check_positive("shards", self.shards)
        _check_positive("shard_bytes", self.shard_bytes)
        if self.shards is not None and self.shard_bytes is not None:
            msg = "--shards and --shard-size contradict each other. Give one of them."
            raise UsageError(msg)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SplitOptions:
    """Which split an image goes to, and in which order the images of a split stand.

    Attributes:
        split: Split name to share, by hash of the key; None: by the source's split folders.
        seed: Salt of order and split.
        split_column: Column of the table that names the split.
        stratify: With `split`: every class in the same shares.
        group: Column of the table whose values must not occur in two splits.
    """

    split: Mapping[str, float] | None = None
    seed: int = 0
    split_column: str | None = None
    stratify: bool = False
    group: str | None = None

    def __post_init__(self) -> None:
        """Checks them."""
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
            check_split(self.split)


@dataclasses.dataclass(frozen=True, kw_only=True)
class LabelOptions:
    """Where the labels of an image stand.

    Attributes:
        class_from: With nested folders: class is the `first` one, the image's own `parent`, or the
            whole `path` joined by `/`.
        path_column: Column of the table of labels that names the images. None: the one that is called
            `path`, `file`, `filename`, `image` or the like.
        label_columns: Columns of the table that are labels, each as `COLUMN` or `COLUMN:KIND`. Empty:
            the one called `label`, else the class folders.
    """

    class_from: ClassFrom = "first"
    path_column: str | None = None
    label_columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Checks them."""
        _check_choice("class_from", self.class_from, get_args(ClassFrom))


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConvertOptions(LabelOptions, SplitOptions, ShardingOptions, StorageOptions):
    """Everything that decides the bytes of a dataset, besides its source: all its parts in one.

    A function that needs a part alone says so, and is handed the whole.

    Attributes:
        duplicates: Images of a split with the pixels of another one in it: `keep` them, `drop` all
            but the first by path, or `fail`.

    Raises:
        UsageError: If a value, or a combination of values, is not allowed.
    """

    duplicates: Duplicates = "keep"

    def __post_init__(self) -> None:
        """Has each part check itself."""
        for part in (StorageOptions, ShardingOptions, SplitOptions, LabelOptions):
            part.__post_init__(self)
        _check_choice("duplicates", self.duplicates, get_args(Duplicates))

    @property
    def needs_table(self) -> str | None:
        """The first option given, as the command line calls it, that makes no sense without a table."""
        return next((flag for name, flag in TABLE_OPTIONS.items() if flag and getattr(self, name)), None)

    def to_json(self) -> dict[str, Any]:
        """The options as the manifest records them."""
        values = dataclasses.asdict(self)
        content = {
            name: values[name]
            for name in RECORDED_ORDER
            if name not in LATER_OPTIONS or values[name] != LATER_OPTIONS[name]
        }
        if self.split is not None:
            content["split"] = dict(self.split)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in content.items()}

    def writing_json(self) -> dict[str, Any]:
        """The options that shards are written by; `duplicates` is decided when all of them are there."""
        return {name: value for name, value in self.to_json().items() if name != "duplicates"}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "ConvertOptions":
        """Inverse of `to_json`."""
        arguments: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in content.items()
        }
        return cls(**arguments)


def _check_choice(name: str, value: object, choices: Sequence[object]) -> None:
    if value not in choices:
        msg = f"{name} must be one of {', '.join(map(str, choices))}. Received: {name}={value!r}"
        raise UsageError(msg)


def _check_positive(name: str, value: int | None) -> None:
    if value is not None and value < 1:
        msg = f"{name} must be at least 1. Received: {name}={value}"
        raise UsageError(msg)


def check_split(fractions: Mapping[str, float]) -> None:
    """Checks the shares of `--split`.

    Raises:
        UsageError: If a name or a share is not allowed, or the shares do not sum to 1.
    """
    given = ",".join(f"{name}={fraction:g}" for name, fraction in fractions.items())
    for name, fraction in fractions.items():
        if not SPLIT_NAME.fullmatch(name):
            msg = f"a split's name must be letters, digits and '_', starting with a letter. Received: {name!r} in --split {given}"
            raise UsageError(msg)
        if not 0 < fraction <= 1:
            msg = f"a split's share must be above 0 and at most 1. Received: {name}={fraction:g}"
            raise UsageError(msg)
    total = math.fsum(fractions.values())
    if not math.isclose(total, 1, abs_tol=1e-6):
        msg = f"the shares of --split must sum to 1, so that no image is lost or used twice. Received: {given}, which sum to {total:g}"
        raise UsageError(msg)
