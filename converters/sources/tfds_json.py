"""The two files of a dataset that TensorFlow Datasets has prepared, `features.json` and `dataset_info.json`, as they are.

They are the messages `Feature` and `DatasetInfo` of TFDS as protobuf's JSON: names in camel case, and whole numbers as texts.
Fields that say nothing of images, labels and splits are not looked at.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.features import MAX_CLASSES
from fitfeed.schemas.files import RefusedFileError
from fitfeed.schemas.storage.failures import failures_named
from fitfeed.schemas.storage.open_place import GivenPath, open_place
from fitfeed.schemas.storage.place import Place
from fitfeed.schemas.strict_json import parse_json
from fitfeed.schemas.text import shortened
from fitfeed.schemas.tfds_info import FEATURES_NAME, INFO_NAME

MAX_JSON_BYTES = 64 << 20
"""Far more than TFDS writes: classes are in files of their own, and a split has a number for each shard."""

MAX_FEATURES = 1000
MAX_NAME_CHARACTERS = 1000
"""Of a feature's name. TFDS knows no such limits; without any, a small file could ask for a large memory."""

DEFAULT_TEMPLATE = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"


class TfdsMessage(BaseModel):
    """A message of TFDS."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel)


class TfdsShape(TfdsMessage):
    """The shape of an image or a tensor; -1 where it differs."""

    dimensions: tuple[int, ...] = ()


class TfdsClasses(TfdsMessage):
    """The content of a `ClassLabel`. Its names are in a file of their own."""

    num_classes: int | None = None


class TfdsImage(TfdsMessage):
    """The content of an `Image` or a `LabeledImage`."""

    shape: TfdsShape = TfdsShape()
    dtype: str = "uint8"
    use_colormap: bool = False


class TfdsTensor(TfdsMessage):
    """The content of a `Tensor` or a `Scalar`."""

    shape: TfdsShape = TfdsShape()
    dtype: str
    encoding: str = "none"


class TfdsJsonContent(TfdsMessage):
    """The content of any feature, as JSON in a text."""

    json_: str = Field(alias="json")


class TfdsSequence(TfdsMessage):
    """The content of a `Sequence`."""

    feature: "TfdsFeature"


class TfdsFeaturesDict(TfdsMessage):
    """The content of a `FeaturesDict`."""

    features: dict[str, "TfdsFeature"] = {}


class TfdsFeature(TfdsMessage):
    """A feature: the name of its class, and the content that belongs to it."""

    python_class_name: str
    features_dict: TfdsFeaturesDict | None = None
    image: TfdsImage | None = None
    class_label: TfdsClasses | None = None
    tensor: TfdsTensor | None = None
    text: dict[str, object] | None = None
    sequence: TfdsSequence | None = None
    json_feature: TfdsJsonContent | None = None

    @property
    def class_name(self) -> str:
        """The name of its class, without that of the module."""
        return self.python_class_name.rpartition(".")[2]


class TfdsSplitInfo(TfdsMessage):
    """A split, and how many examples each of its shards has."""

    name: str
    shard_lengths: tuple[int, ...] = ()
    filepath_template: str = DEFAULT_TEMPLATE


class TfdsKey(TfdsMessage):
    """The name of a feature."""

    feature_key: str = ""


class TfdsKeys(TfdsMessage):
    """Names of features."""

    items: tuple[TfdsKey, ...] = ()


class TfdsSupervised(TfdsMessage):
    """Which features are input and output; older versions say it without `tuple`."""

    input: str = ""
    output: str = ""
    tuple_: TfdsKeys = Field(default=TfdsKeys(), alias="tuple")

    @property
    def names(self) -> tuple[str, ...]:
        """Of both, the input first; empty texts where nothing is said."""
        named = tuple(item.feature_key for item in self.tuple_.items)
        return named or (self.input, self.output)


class TfdsInfo(TfdsMessage):
    """A dataset."""

    name: str = ""
    file_format: str = "tfrecord"
    splits: tuple[TfdsSplitInfo, ...] = ()
    supervised_keys: TfdsSupervised = TfdsSupervised()


class NamedFeature(NamedTuple):
    """A feature that is not a dict of others.

    Attributes:
        name: In a `tf.train.Example`: the parts of a nested one are joined by `/`.
        file_name: What names of files about it begin with.
        feature: The feature.
    """

    name: str
    file_name: str
    feature: TfdsFeature


def is_tfds_folder(source: GivenPath) -> bool:
    """Whether a folder has both files. Other programs write a `dataset_info.json`, too.

    Raises:
        UsageError: If the folder cannot be looked at: it must not be taken for one of images then.
    """
    place = open_place(source, "SOURCE")
    with failures_named("cannot read SOURCE", place, UsageError):
        try:
            return bool(place.find(FEATURES_NAME) and place.find(INFO_NAME))
        except (FileNotFoundError, NotADirectoryError, RefusedFileError):
            return False


def read_features(place: Place) -> list[NamedFeature]:
    """All features of `features.json`, nested ones too.

    Raises:
        UsageError: If they cannot be read, are not as TFDS writes them, or are too many.
    """
    text = _read(place, FEATURES_NAME)
    try:
        top = TfdsFeature.model_validate(_parsed(text))
    except ValueError as error:
        raise _other(place, FEATURES_NAME, error) from None
    found: list[NamedFeature] = []
    for named in _flat(place, top, "", ""):
        if len(found) == MAX_FEATURES:
            msg = f"{place.address(FEATURES_NAME)} has more than {MAX_FEATURES} features. Write its images to a folder: docs/from-tfds.md."
            raise UsageError(msg)
        found.append(named)
    return found


def read_info(place: Place) -> TfdsInfo:
    """What `dataset_info.json` says of shards and splits.

    Raises:
        UsageError: If it cannot be read, or is not as TFDS writes it.
    """
    text = _read(place, INFO_NAME)
    try:
        return TfdsInfo.model_validate(_parsed(text))
    except ValueError as error:
        raise _other(place, INFO_NAME, error) from None


def class_names(place: Place, named: NamedFeature) -> list[str]:
    """The classes of a `ClassLabel`, in order: from `<name>.labels.txt`; their numbers where nothing names them.

    Raises:
        UsageError: If they cannot be read, or are not as many as there are classes.
    """
    feature = named.feature
    if feature.json_feature is not None:  # as fitfeed writes it
        try:
            return _different_names(_parsed(feature.json_feature.json_.encode())["names"])
        except (ValueError, KeyError, TypeError) as error:
            raise _other(place, FEATURES_NAME, error) from None
    count = None if feature.class_label is None else feature.class_label.num_classes
    file = f"{named.file_name}.labels.txt"
    text = _read_if_there(place, file)
    if text is None:
        if count is None or not 0 < count <= MAX_CLASSES:
            msg = f"{place} does not say which classes {shortened(named.name)!r} has: {shortened(file)} is missing. Restore it."
            raise UsageError(msg)
        return [str(number) for number in range(count)]
    try:
        lines = text.decode().split("\n", MAX_CLASSES + 1)
        names = _different_names([line.strip() for line in lines if line.strip()])  # as TFDS reads it
    except UnicodeDecodeError as error:
        raise _other(place, file, error) from None
    except ValueError as error:
        msg = f"{shortened(place.address(file), limit=200)}: {error}. Restore it."
        raise UsageError(msg) from None
    if count and count != len(names):
        msg = f"{shortened(place.address(file), limit=200)} has {len(names)} names; {shortened(named.name)!r} has {count} classes. Restore it."
        raise UsageError(msg)
    return names


def _different_names(names: object) -> list[str]:
    """Checks that something is the list of names of classes, from whichever file it comes.

    Raises:
        ValueError: If it is not.
    """
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        msg = "the names of its classes are not a list of texts"
        raise ValueError(msg)
    if not 0 < len(names) <= MAX_CLASSES or len(set(names)) < len(names):
        msg = f"it has {len(names)} names, {len(set(names))} different ones; expected 1 to {MAX_CLASSES}, each once"
        raise ValueError(msg)
    return names


def _parsed(text: bytes) -> Any:
    """Parses JSON whose texts can all be names of files and features.

    Raises:
        ValueError: If it is not JSON, or an escape is half of a character, which UTF-8 does not have.
    """
    content = parse_json(text)
    try:
        json.dumps(content, ensure_ascii=False).encode()
    except RecursionError as error:
        msg = "it is nested too deeply"
        raise ValueError(msg) from error
    return content


def _flat(place: Place, feature: TfdsFeature, name: str, file_name: str) -> Iterator[NamedFeature]:
    if len(name) > MAX_NAME_CHARACTERS:
        msg = f"{place.address(FEATURES_NAME)} has a name of more than {MAX_NAME_CHARACTERS} characters: {shortened(name)!r}. Write its images to a folder: docs/from-tfds.md."
        raise UsageError(msg)
    if feature.features_dict is None:
        yield NamedFeature(name, file_name, feature)
        return
    for part, inner in feature.features_dict.features.items():
        file_part = part.replace("/", ".")
        yield from _flat(
            place,
            inner,
            f"{name}/{part}" if name else part,
            f"{file_name}-{file_part}" if file_name else file_part,
        )


def _read(place: Place, name: str) -> bytes:
    text = _read_if_there(place, name)
    if text is None:
        msg = f"{place.address(name)} is missing. Restore it."
        raise UsageError(msg)
    return text


def _read_if_there(place: Place, name: str) -> bytes | None:
    with failures_named("cannot read SOURCE", place, UsageError):
        try:
            text, _ = place.read(name, at_most=MAX_JSON_BYTES + 1)
        except FileNotFoundError:
            return None
    if len(text) > MAX_JSON_BYTES:
        msg = f"{place.address(name)} has more than {MAX_JSON_BYTES >> 20} MiB, more than TensorFlow Datasets writes."
        raise UsageError(msg)
    return text


def _other(place: Place, name: str, error: Exception) -> UsageError:
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_context=False, include_url=False)[0]
        reason = f"{'.'.join(map(str, first['loc'])) or 'the whole'}: {first['msg']}"
    else:
        reason = f"{type(error).__name__}: {error}"
    msg = f"{place.address(name)} is not as TensorFlow Datasets 4.5 and later write it ({shortened(reason, limit=200)}). Prepare the dataset again with a later version, or write its images to a folder: docs/from-tfds.md."
    return UsageError(msg)
