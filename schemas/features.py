"""The features of an example: its image, its key and its labels, and how each is stored."""

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from fitfeed.schemas.base_model import Model, PositiveCount, Side
from fitfeed.schemas.bit_depth import Depth
from fitfeed.schemas.class_order import ClassOrder, follows
from fitfeed.schemas.strict_json import JsonObject

MaskValue = Annotated[int, Field(ge=0, le=255)]

LabelKind = Literal["class", "multiclass", "float", "floats", "int", "mask", "text"]

MAX_CLASSES = 100_000
"""Class names, and their counts in each of three splits, fit into a manifest that can be read again."""

MAX_CLASS_NAMES = 1 << 20
"""Characters of all class names of a label together; a manifest may have 16 MiB."""

FOLDER_LABELS: Mapping[str, LabelKind] = {"label": "class"}
"""The labels of a dataset that was made from class folders."""

MAX_NAME = 100

RESERVED_NAMES = frozenset(
    [
        *("image", "image_offset", "key", "path", "source", "shard", "offset", "length", "crc32c"),
        *("height", "width", "channels", "format", "mean", "deviation", "orientation", "profile"),
        *("source_bytes", "source_digest", "source_format", "source_height", "source_width", "pixel_digest"),
        *("sample_weight", "boxes", "keypoints"),
    ]
)
"""Names that the index, TFRecord or HDF5 use for something else, or will."""


MASK_COLUMNS = ("offset", "length", "crc32c", "source_digest")
"""What the index has of a mask, each in a column `<name>_<this>`."""


class ImageFeature(Model):
    """How images are stored.

    `encoding` is what the conversion was asked for. `keep` stores JPEG and PNG side by side, told
    apart by their first bytes. `shape` is (height, width, channels); null where images differ. `dtype`
    is of the pixels: uint16 where the dataset has 16 bits.
    """

    kind: Literal["image"] = "image"
    dtype: Literal["uint8", "uint16"] = "uint8"
    shape: tuple[Side | None, Side | None, Literal[1, 3]]
    encoding: Literal["keep", "jpeg", "png", "raw"]

    @model_validator(mode="after")
    def _raw_has_a_shape(self) -> Self:
        _check_shape(self.shape, self.encoding)
        return self

    @model_validator(mode="after")
    def _jpeg_has_8_bits(self) -> Self:
        if self.encoding == "jpeg" and self.depth != 8:
            msg = f"encoding 'jpeg' cannot have dtype {self.dtype!r}"
            raise ValueError(msg)
        return self

    @property
    def channels(self) -> int:
        """1 for gray, 3 for RGB."""
        return self.shape[2]

    @property
    def depth(self) -> Depth:
        """Bits per value: 8 or 16."""
        return 16 if self.dtype == "uint16" else 8

    @property
    def value_bytes(self) -> int:
        """Bytes of a value of a raw image: 1 or 2."""
        return self.depth // 8


class KeyFeature(Model):
    """The example's unique name: its path below the source folder."""

    kind: Literal["text"] = "text"
    dtype: Literal["string"] = "string"


class ClassFeature(Model):
    """A label: the number i stands for `class_names[i]`."""

    kind: Literal["class"] = "class"
    dtype: Literal["int64"] = "int64"
    class_names: list[str] = Field(min_length=1)
    class_order: ClassOrder = "given"

    @model_validator(mode="after")
    def _names_are_in_order(self) -> Self:
        _check_class_names(self.class_names, self.class_order)
        return self


class MulticlassFeature(Model):
    """Any number of labels: a list of class numbers, ascending, each once. May be empty."""

    kind: Literal["multiclass"] = "multiclass"
    dtype: Literal["int64"] = "int64"
    class_names: list[str] = Field(min_length=1)
    class_order: ClassOrder = "given"

    @model_validator(mode="after")
    def _names_are_in_order(self) -> Self:
        _check_class_names(self.class_names, self.class_order)
        return self


class FloatFeature(Model):
    """A finite number; float64 in the index and in HDF5, float32 in TFRecord, which has no other."""

    kind: Literal["float"] = "float"
    dtype: Literal["float64"] = "float64"


class FloatsFeature(Model):
    """A vector of finite numbers, of the same length for all examples; its types are those of `FloatFeature`.

    `names` says what each number is.
    """

    kind: Literal["floats"] = "floats"
    dtype: Literal["float64"] = "float64"
    names: list[str] = Field(min_length=1)


class IntFeature(Model):
    """An integer."""

    kind: Literal["int"] = "int"
    dtype: Literal["int64"] = "int64"


class TextFeature(Model):
    """Any text."""

    kind: Literal["text"] = "text"
    dtype: Literal["string"] = "string"


class MaskFeature(Model):
    """A picture of class numbers, one channel, of the size of its image. Stored without loss.

    `shape` is (height, width, 1); null where images differ. `values` are those that occur, with the number of
    pixels that have them.
    """

    kind: Literal["mask"] = "mask"
    dtype: Literal["uint8"] = "uint8"
    shape: tuple[Side | None, Side | None, Literal[1]]
    encoding: Literal["png", "raw"]
    values: dict[MaskValue, PositiveCount] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _raw_has_a_shape(self) -> Self:
        _check_shape(self.shape, self.encoding)
        return self


LabelFeature = Annotated[
    ClassFeature | MulticlassFeature | FloatFeature | FloatsFeature | IntFeature | TextFeature | MaskFeature,
    Field(discriminator="kind"),
]


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlannedLabel:
    """A label before any image is read.

    Attributes:
        kind: What it is.
        class_names: Of a label that has classes: i stands for `class_names[i]`. Of others empty.
        class_order: How they are numbered.
        value_names: Of a vector of numbers: what each of them is. Of others empty.
    """

    kind: LabelKind
    class_names: list[str] = dataclasses.field(default_factory=list)
    class_order: ClassOrder = "text"
    value_names: list[str] = dataclasses.field(default_factory=list)

    def to_json(self) -> JsonObject:
        """`kind`, and what is known of classes where there are any; `PlannedLabel(**...)` is the inverse."""
        if self.value_names:
            return {"kind": self.kind, "value_names": self.value_names}
        if not self.class_names:
            return {"kind": self.kind}
        return {"kind": self.kind, "class_names": self.class_names, "class_order": self.class_order}

    def feature(self, image: ImageFeature) -> LabelFeature:
        """What the manifest says of it, where images are stored so: masks are as large as they."""
        if self.kind == "mask":
            encoding: Literal["png", "raw"] = "raw" if image.encoding == "raw" else "png"
            return MaskFeature(shape=(*image.shape[:2], 1), encoding=encoding)
        if self.kind == "class":
            return ClassFeature(class_names=self.class_names, class_order=self.class_order)
        if self.kind == "multiclass":
            return MulticlassFeature(class_names=self.class_names, class_order=self.class_order)
        if self.kind == "float":
            return FloatFeature()
        if self.kind == "floats":
            return FloatsFeature(names=self.value_names)
        return IntFeature() if self.kind == "int" else TextFeature()


@dataclasses.dataclass(frozen=True, kw_only=True)
class WithLabels:
    """Base of all that has planned labels: examples before they are read, and the job to read them.

    Attributes:
        features: Label name to what is known of it, in the order of the labels' columns.
    """

    features: dict[str, PlannedLabel]

    @property
    def kinds(self) -> dict[str, LabelKind]:
        """Label name to kind."""
        return {name: label.kind for name, label in self.features.items()}

    @property
    def classes(self) -> str | None:
        """The first label that has classes."""
        return next((name for name, label in self.features.items() if label.class_names), None)

    @property
    def class_names(self) -> list[str]:
        """Of that label, in order."""
        return [] if self.classes is None else self.features[self.classes].class_names

    @property
    def all_class_names(self) -> list[str]:
        """Of all labels that have classes, one after the other."""
        return [name for label in self.features.values() for name in label.class_names]


class Features(Model):
    """What every example has. Every entry besides `image` and `key` is a label."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)
    __pydantic_extra__: dict[str, LabelFeature]

    image: ImageFeature
    key: KeyFeature = KeyFeature()

    @model_validator(mode="after")
    def _names_can_be_stored(self) -> Self:
        check_label_names(self.label_kinds)
        return self

    @property
    def labels(self) -> dict[str, LabelFeature]:
        """Label features by name, in the order of their columns."""
        return self.__pydantic_extra__

    @property
    def label_kinds(self) -> dict[str, LabelKind]:
        """Kind of each label."""
        return {name: feature.kind for name, feature in self.labels.items()}

    @property
    def classes(self) -> tuple[str, ClassFeature | MulticlassFeature] | None:
        """The first label that has classes, with its name: the one that `class_names` is about."""
        for name, feature in self.labels.items():
            if isinstance(feature, ClassFeature | MulticlassFeature):
                return name, feature
        return None


def check_label_names(kinds: Mapping[str, LabelKind]) -> None:
    """Checks that labels of these names can be stored side by side in every container.

    Args:
        kinds: Label name to kind.

    Raises:
        ValueError: Naming the label, and what is wrong with it.
    """
    taken: dict[str, str] = {}
    for label, kind in kinds.items():
        if not 0 < len(label) <= MAX_NAME or not label.isprintable() or label != label.strip():
            msg = f"{label[:MAX_NAME]!r} cannot name a label: expected 1 to {MAX_NAME} printable characters, no space at either end"
            raise ValueError(msg)
        if "/" in label or label.startswith("."):
            msg = f"{label!r} cannot name a label: HDF5 gives '/' and a leading '.' another meaning"
            raise ValueError(msg)
        for name in stored_names(label, kind):
            if name in RESERVED_NAMES:
                msg = f"{label!r} cannot name a label: {name!r} is what the dataset calls something else"
                raise ValueError(msg)
            if name in taken:
                msg = f"{label!r} and {taken[name]!r} cannot both name labels: each is stored as {name!r}"
                raise ValueError(msg)
            taken[name] = label


def stored_names(label: str, kind: LabelKind) -> list[str]:
    """All columns, data sets and features that a label is stored under."""
    if kind == "mask":
        return [label, *(f"{label}_{part}" for part in MASK_COLUMNS)]
    return [label, f"{label}_offset"] if kind in ("text", "multiclass") else [label]


def _check_shape(shape: tuple[int | None, int | None, int], encoding: str) -> None:
    height, width, _ = shape
    if (height is None) != (width is None) or (encoding == "raw" and height is None):
        msg = f"encoding {encoding!r} cannot have shape {shape}"
        raise ValueError(msg)


def _check_class_names(names: list[str], order: ClassOrder) -> None:
    if len(set(names)) != len(names):
        msg = "a class name occurs twice"
        raise ValueError(msg)
    if not follows(names, order):
        msg = f"the class names do not ascend by {order}, which is said to be their order"
        raise ValueError(msg)
