"""The features of a dataset, as TensorFlow Datasets itself would write them."""

import numpy as np
import pytest

from fitfeed.schemas.features import Features
from fitfeed.schemas.tfds_features import MARK, tfds_features

tfds = pytest.importorskip("tensorflow_datasets", reason="tensorflow-datasets is not installed")


def features(encoding: str, dtype: str = "uint8", channels: int = 3) -> Features:
    side = 4 if encoding == "raw" else None
    mask = {"kind": "mask", "shape": (side, side, 1), "encoding": "raw" if side else "png"}
    return Features.model_validate(
        {
            "image": {"shape": (side, side, channels), "encoding": encoding, "dtype": dtype},
            "kind": {"kind": "class", "class_names": ["a", "ü\n"]},
            "tags": {"kind": "multiclass", "class_names": ["x", " y"]},
            "size": {"kind": "float"},
            "eyes": {"kind": "floats", "names": ["x", "y"]},
            "age": {"kind": "int"},
            "note": {"kind": "text"},
            "lesion": mask,
        }
    )


@pytest.mark.parametrize(
    ("encoding", "dtype", "channels", "image", "mask"),
    [
        ("keep", "uint8", 3, {}, None),
        ("jpeg", "uint8", 1, {"shape": (None, None, 1), "encoding_format": "jpeg"}, None),
        ("png", "uint16", 3, {"dtype": np.uint16, "encoding_format": "png"}, None),
        ("raw", "uint16", 1, (4, 4, 1), (4, 4, 1)),
    ],
)
def test_they_are_those_of_the_real_library(
    encoding: str, dtype: str, channels: int, image: object, mask: object
) -> None:
    shown = tfds.features

    def plain(shape: object, dtype: str) -> object:
        return shown.Tensor(shape=shape, dtype=np.dtype(dtype), encoding="bytes")

    picture = {"shape": (None, None, 1), "encoding_format": "png", "use_colormap": True}
    expected = shown.FeaturesDict(
        {
            "image": shown.Image(**image) if isinstance(image, dict) else plain(image, dtype),
            "key": shown.Text(),
            "kind": shown.ClassLabel(num_classes=2),
            "tags": shown.Sequence(shown.ClassLabel(num_classes=2)),
            "size": shown.Scalar(np.float32),
            "eyes": shown.Tensor(shape=(2,), dtype=np.float32, doc="x; y"),
            "age": shown.Scalar(np.int64),
            "note": shown.Text(),
            "lesion": shown.Image(**picture) if mask is None else plain(mask, "uint8"),
            "format": shown.Text(),
            **{name: shown.Scalar(np.int64) for name in ("height", "width", "channels")},
        }
    )
    written = tfds_features(features(encoding, dtype, channels))
    read = shown.FeaturesDict.from_json(written)
    assert repr(read) == repr(expected)
    assert read.get_serialized_info() == expected.get_serialized_info()
    for name, feature in expected.items():
        assert read[name].to_proto() == feature.to_proto(), name
    assert read["kind"].names == ["a", "ü\n"]
    assert read["tags"].feature.names == ["x", " y"]


def test_the_mark_is_first() -> None:
    assert next(iter(tfds_features(features("keep")).values())) == f"{MARK}."
