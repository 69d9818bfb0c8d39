"""What a dataset of TensorFlow Datasets has for us: one image for each example, its labels, its shards.

| in TFDS | label |
|---|---|
| `ClassLabel`; a `Sequence` of it | `class`; `multiclass` |
| `Scalar` of whole numbers or bool; of floats | `int`; `float` |
| `Tensor` of floats of one dimension | `floats` |
| `Text` | `text` |
| `LabeledImage`, `Image` with one channel beside the one with colors | `mask` |
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from fitfeed.converters.sources.tfds_json import (
    DEFAULT_TEMPLATE,
    NamedFeature,
    TfdsImage,
    TfdsInfo,
    TfdsSplitInfo,
    TfdsTensor,
    class_names,
    read_features,
    read_info,
)
from fitfeed.schemas.bit_depth import Depth
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.features import (
    MAX_NAME,
    ClassFeature,
    FloatFeature,
    FloatsFeature,
    IntFeature,
    LabelFeature,
    LabelKind,
    MaskFeature,
    MulticlassFeature,
    TextFeature,
    check_label_names,
)
from fitfeed.schemas.storage.place import Place
from fitfeed.schemas.text import shortened

MAX_FLOATS = 4096
"""Numbers of a vector; more are rather an embedding than labels."""

MAX_TOTAL_NAMES = 1 << 20
"""Names of classes and numbers of all labels together. A number of classes alone makes so many names."""

MAX_FILE_NAME = 255
"""Of a shard, and of each part of its name. No file system of ours has longer ones."""

WAY_ON = "Write its images to a folder: docs/from-tfds.md."


class TfdsLabel(NamedTuple):
    """A label, and where it is in a `tf.train.Example`.

    Attributes:
        stored: Name of the feature there.
        feature: What it is.
    """

    stored: str
    feature: LabelFeature


class TfdsShard(NamedTuple):
    """A file of records.

    Attributes:
        split: What we call its split.
        file: Its name.
        examples: How many it has.
    """

    split: str
    file: str
    examples: int


class TfdsFolder(NamedTuple):
    """A dataset of TFDS.

    Attributes:
        image: Name of the feature that is the image.
        channels: 1 for gray, else 3.
        depth: Bits of its values.
        labels: The labels by name; the first one is what `as_supervised` would give.
        left_out: Names of features that no label can be made of.
        shards: Those that have examples, in order.
    """

    image: str
    channels: int
    depth: Depth
    labels: Mapping[str, TfdsLabel]
    left_out: list[str]
    shards: list[TfdsShard]


def open_tfds_folder(place: Place) -> TfdsFolder:
    """Reads what a dataset of TFDS says of itself. No record is read.

    Raises:
        UsageError: If it cannot be read, or its examples are not images with labels.
    """
    features, info = read_features(place), read_info(place)
    wanted, *outputs = info.supervised_keys.names
    image = _the_image(place, features, wanted)
    others = sorted(  # what `as_supervised` would give first, then classes, then the rest as TFDS has them
        (named for named in features if named is not image),
        key=lambda named: (named.name not in outputs, named.feature.class_name != "ClassLabel"),
    )
    labels, left_out = _labels(place, others)
    pixels = _pixels(image)
    return TfdsFolder(
        image=image.name,
        channels=1 if pixels.shape.dimensions[-1:] == (1,) else 3,
        depth=16 if pixels.dtype == "uint16" else 8,
        labels=labels,
        left_out=left_out,
        shards=_shards(place, info),
    )


def _labels(place: Place, others: Sequence[NamedFeature]) -> tuple[dict[str, TfdsLabel], list[str]]:
    """The labels by name, and the names of features that no label can be made of.

    Raises:
        UsageError: If classes cannot be read, or are too many.
    """
    labels: dict[str, TfdsLabel] = {}
    left_out: list[str] = []
    total = 0
    for named in others:
        name = named.name.replace("/", "_")[:MAX_NAME]
        # The name comes first: nothing is read or made for a feature that is left out anyway.
        feature = _label(place, named, name) if _can_be_added(name, "int", labels) else None
        total += _count_of_names(feature)
        if total > MAX_TOTAL_NAMES:
            msg = f"SOURCE {place} was prepared by TensorFlow Datasets, and its labels have more than {MAX_TOTAL_NAMES} classes and numbers together. {WAY_ON}"
            raise UsageError(msg)
        if feature is None or not _can_be_added(name, feature.kind, labels):
            left_out.append(named.name)
        else:
            labels[name] = TfdsLabel(named.name, feature)
    return labels, left_out


def _count_of_names(feature: LabelFeature | None) -> int:
    if isinstance(feature, ClassFeature | MulticlassFeature):
        return len(feature.class_names)
    return len(feature.names) if isinstance(feature, FloatsFeature) else 0


def _the_image(place: Place, features: Sequence[NamedFeature], wanted: str) -> NamedFeature:
    """The feature that is the image: the only one, the only one that is not a mask, or what `as_supervised` takes."""
    images = [named for named in features if named.feature.image is not None]
    found = [named for named in images if not _is_mask(named)]
    if len(found) > 1:
        found = [named for named in found if _pixels(named).shape.dimensions[-1:] != (1,)] or found
    if len(found) > 1:
        found = [named for named in found if named.name == (wanted or "image")]
    if len(found) != 1:
        what = "no image" if not images else "several images, none of which is the one to learn from"
        names = ", ".join(f"{named.name} ({named.feature.class_name})" for named in features)
        msg = f"SOURCE {place} was prepared by TensorFlow Datasets, and its examples have {what}: {shortened(names, limit=400)}. {WAY_ON}"
        raise UsageError(msg)
    pixels = _pixels(found[0])
    if pixels.dtype not in ("uint8", "uint16") or len(pixels.shape.dimensions) not in (0, 3):
        msg = f"SOURCE {place} was prepared by TensorFlow Datasets, and its images have the type {shortened(pixels.dtype)} and the shape {shortened(pixels.shape.dimensions)}. Expected uint8 or uint16 (height, width, channels). {WAY_ON}"
        raise UsageError(msg)
    return found[0]


def _pixels(named: NamedFeature) -> TfdsImage:
    return named.feature.image or TfdsImage()


def _is_mask(named: NamedFeature) -> bool:
    return named.feature.class_name == "LabeledImage" or _pixels(named).use_colormap


def _label(place: Place, named: NamedFeature, name: str) -> LabelFeature | None:
    """What we call a feature that is not the image, under our name for it; None if we have no word for it."""
    feature = named.feature
    if feature.class_name == "ClassLabel":
        return ClassFeature(class_names=class_names(place, named))
    if feature.class_name == "Text":  # an older version says in JSON that it is numbers of words
        return TextFeature() if feature.json_feature is None else None
    if feature.class_name == "Sequence" and feature.sequence is not None:
        inner = named._replace(feature=feature.sequence.feature)
        several = inner.feature.class_name == "ClassLabel"
        return MulticlassFeature(class_names=class_names(place, inner)) if several else None
    if feature.image is not None:
        pixels = feature.image
        channels = pixels.shape.dimensions[-1:]
        one = channels == (1,) or (_is_mask(named) and not channels)
        return MaskFeature(shape=(None, None, 1), encoding="png") if one and pixels.dtype == "uint8" else None
    return None if feature.tensor is None else _numbers(name, feature.tensor)


def _numbers(name: str, tensor: TfdsTensor) -> LabelFeature | None:
    is_float = "float" in tensor.dtype
    is_whole = tensor.dtype == "bool" or re.fullmatch(r"u?int(8|16|32)|int64", tensor.dtype) is not None
    if tensor.encoding not in ("", "none") or not (is_float or is_whole):
        return TextFeature() if tensor.dtype in ("object", "string") and not tensor.shape.dimensions else None
    if not tensor.shape.dimensions:
        return FloatFeature() if is_float else IntFeature()
    if not is_float or len(tensor.shape.dimensions) > 1 or not 0 < tensor.shape.dimensions[0] <= MAX_FLOATS:
        return None
    return FloatsFeature(names=[f"{name}[{place}]" for place in range(tensor.shape.dimensions[0])])


def _can_be_added(name: str, kind: LabelKind, labels: Mapping[str, TfdsLabel]) -> bool:
    """Whether a label of this name and kind can be stored beside the others."""
    if name in labels:
        return False
    try:
        check_label_names({**{other: label.feature.kind for other, label in labels.items()}, name: kind})
    except ValueError:
        return False
    return True


def _shards(place: Place, info: TfdsInfo) -> list[TfdsShard]:
    if info.file_format != "tfrecord":
        msg = f"SOURCE {place} was prepared by TensorFlow Datasets as {shortened(info.file_format)}, which fitfeed does not read. Convert it with `tfds convert_format --dataset_version_dir={place} --out_file_format=tfrecord --out_dir=FOLDER`, and give FOLDER."
        raise UsageError(msg)
    split_names: dict[str, str] = {}
    shards: list[TfdsShard] = []
    for split in info.splits:
        name = _split_name(split.name)
        if split_names.setdefault(name, split.name) != split.name:
            msg = f"SOURCE {place} has the splits {shortened(split_names[name])!r} and {shortened(split.name)!r}, which would both be called {name!r}. {WAY_ON}"
            raise UsageError(msg)
        shards += [
            TfdsShard(name, _file_name(place, info, split, number), examples)
            for number, examples in enumerate(split.shard_lengths)
            if examples
        ]
    if not shards:
        msg = f"SOURCE {place} was prepared by TensorFlow Datasets, and has no examples. Prepare it again."
        raise UsageError(msg)
    return shards


def _split_name(name: str) -> str:
    """The name of a split as a manifest can have it."""
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name)[:60]
    return plain if plain[:1].isalpha() else f"part_{plain}"


def _file_name(place: Place, info: TfdsInfo, split: TfdsSplitInfo, number: int) -> str:
    """The name of a shard. The template is a stranger's, so it is not a format of Python's."""
    total = len(split.shard_lengths)
    digits = max(5, len(str(total)))
    values = {
        "DATASET": info.name,
        "SPLIT": split.name,
        "FILEFORMAT": info.file_format,
        "SHARD_INDEX": f"{number:0{digits}d}",
        "NUM_SHARDS": f"{total:0{digits}d}",
        "SHARD_X_OF_Y": f"{number:0{digits}d}-of-{total:0{digits}d}",
    }
    template = split.filepath_template or DEFAULT_TEMPLATE
    name = ""
    if max(map(len, (template, *values.values()))) <= MAX_FILE_NAME:  # else the name could be of any length
        name = re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), template)
    if not 0 < len(name) <= MAX_FILE_NAME or "/" in name or "{" in name or name.startswith("."):
        msg = f"SOURCE {place} was prepared by TensorFlow Datasets with files called {shortened(template)!r}. Expected plain names in its folder. {WAY_ON}"
        raise UsageError(msg)
    return name
