"""What TensorFlow Datasets calls the features of our records: the content of `features.json`.

It is a `tensorflow_datasets.Feature` message as JSON (tensorflow_datasets/core/features/feature.py, `save_config`). Names
of classes are in it, as the JSON that the constructor of `ClassLabel` takes, and not in files `<label>.labels.txt`: these
would lose spaces at the ends of names.
"""

import json
from collections.abc import Iterable, Mapping

from fitfeed.schemas.features import (
    ClassFeature,
    Features,
    FloatsFeature,
    ImageFeature,
    LabelFeature,
    MaskFeature,
    MulticlassFeature,
)
from fitfeed.schemas.strict_json import Json, JsonObject

MARK = "Written by fitfeed beside its manifest.json"
"""Both files have it. A file without it is somebody else's, who may use these names, too."""

_MODULES = {
    "ClassLabel": "class_label_feature",
    "FeaturesDict": "features_dict",
    "Image": "image_feature",
    "Scalar": "scalar",
    "Sequence": "sequence_feature",
    "Tensor": "tensor_feature",
    "Text": "text_feature",
}


def tfds_features(features: Features) -> JsonObject:
    """The features of a record, under the names that they have in its `tf.train.Example`.

    Args:
        features: Those of a dataset of TFRecord shards.
    """
    image = features.image
    facts = {name: _scalar("int64") for name in ("height", "width", "channels")}
    named: dict[str, JsonObject] = {
        "image": _plain(image) if image.encoding == "raw" else _image(image),
        "key": _text(),
        **{name: _label(feature) for name, feature in features.labels.items()},
        "format": _text(),
        **facts,
    }
    # The description first, so that it is among the first bytes of a file.
    return {"description": f"{MARK}.", **_feature("FeaturesDict", {"featuresDict": {"features": named}})}


def _label(feature: LabelFeature) -> JsonObject:
    if isinstance(feature, ClassFeature):
        return _classes(feature)
    if isinstance(feature, MulticlassFeature):
        return _feature("Sequence", {"sequence": {"feature": _classes(feature), "length": "-1"}})
    if isinstance(feature, MaskFeature):
        return _plain(feature) if feature.encoding == "raw" else _image(feature)
    if isinstance(feature, FloatsFeature):
        content = {"tensor": _tensor([len(feature.names)], "float32", "none")}
        return {**_feature("Tensor", content), "description": "; ".join(feature.names)}
    if feature.kind == "text":
        return _text()
    return _scalar("float32" if feature.kind == "float" else "int64")


def _image(feature: ImageFeature | MaskFeature) -> JsonObject:
    """JPEG and PNG bytes, which TFDS tells apart itself. A mask is shown with a color for each of its values."""
    content: dict[str, Json] = {"shape": _shape(feature.shape), "dtype": feature.dtype}
    if feature.encoding != "keep":
        content["encodingFormat"] = feature.encoding
    if isinstance(feature, MaskFeature):
        return _feature("Image", {"image": {**content, "useColormap": True}})
    return _feature("Image", {"image": content})


def _plain(feature: ImageFeature | MaskFeature) -> JsonObject:
    """Plain pixels; numbers of 16 bits are little-endian in TFDS, too."""
    return _feature("Tensor", {"tensor": _tensor(feature.shape, feature.dtype, "bytes")})


def _classes(feature: ClassFeature | MulticlassFeature) -> JsonObject:
    return _feature("ClassLabel", {"jsonFeature": {"json": json.dumps({"names": feature.class_names})}})


def _scalar(dtype: str) -> JsonObject:
    return _feature("Scalar", {"tensor": _tensor((), dtype, "none")})


def _text() -> JsonObject:
    return _feature("Text", {"text": {}})


def _tensor(shape: Iterable[int | None], dtype: str, encoding: str) -> JsonObject:
    return {"shape": _shape(shape), "dtype": dtype, "encoding": encoding}


def _shape(shape: Iterable[int | None]) -> JsonObject:
    """Protobuf's JSON has numbers of 64 bits as texts. A side that differs from image to image is -1."""
    dimensions = [str(-1 if side is None else side) for side in shape]
    return {"dimensions": dimensions} if dimensions else {}


def _feature(name: str, content: Mapping[str, JsonObject]) -> JsonObject:
    return {"pythonClassName": f"tensorflow_datasets.core.features.{_MODULES[name]}.{name}", **content}
