"""Datasets that TensorFlow Datasets itself has prepared, from pictures whose pixels are known."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

tfds = pytest.importorskip("tensorflow_datasets", reason="tensorflow-datasets is not installed")

NAMES = ["cat", "dog", "old fox"]
PARTS = ["ear", "tail"]
COUNTS = {"train": 7, "test": 3}


def pixels(number: int) -> Any:
    """uint8 (5 + number, 9, 3)."""
    return np.random.default_rng(number).integers(0, 256, (5 + number, 9, 3), np.uint8)


def mask(number: int) -> Any:
    """uint8 (5 + number, 9, 1), of three classes."""
    return np.random.default_rng(100 + number).integers(0, 3, (5 + number, 9, 1), np.uint8)


def encoded(number: int) -> bytes:
    """A picture as a JPEG if its number is even, else as a PNG."""
    stream = io.BytesIO()
    Image.fromarray(pixels(number)).save(stream, "JPEG" if number % 2 == 0 else "PNG")
    return stream.getvalue()


def labels(number: int) -> dict[str, Any]:
    """All but the image and the mask."""
    return {
        "label": number % 3,
        "file_name": f"ü {number}.jpg",
        "parts": [part for part in (0, 1) if number >> part & 1],
        "nested": {"age": number - 4, "weight": number / 3, "seen": bool(number % 2)},
        "eye": [number / 7, -1.5],
        "box": tfds.features.BBox(0.0, 0.0, 0.5, 1.0),
    }


def features() -> Any:
    """Of these examples."""
    return tfds.features.FeaturesDict(
        {
            "image": tfds.features.Image(),
            "label": tfds.features.ClassLabel(names=NAMES),
            "file_name": tfds.features.Text(),
            "parts": tfds.features.Sequence(tfds.features.ClassLabel(names=PARTS)),
            "nested": {"age": np.int32, "weight": np.float32, "seen": np.bool_},
            "eye": tfds.features.Tensor(shape=(2,), dtype=np.float32),
            "box": tfds.features.BBoxFeature(),
            "segmentation": tfds.features.LabeledImage(
                labels=["sky", "animal", "edge"], shape=(None, None, 1)
            ),
        }
    )


class TinyAnimals(tfds.core.GeneratorBasedBuilder):  # type: ignore[name-defined, misc, unused-ignore] # it has no types
    """What a user of TFDS writes."""

    VERSION = tfds.core.Version("1.2.3")

    def _info(self) -> Any:
        return self.dataset_info_from_configs(features=features(), supervised_keys=("image", "label"))

    def _split_generators(self, _: Any) -> Any:
        return {split: self._generate_examples(split) for split in COUNTS}

    def _generate_examples(self, split: str) -> Any:
        for number in numbers(split):
            content = {"image": io.BytesIO(encoded(number)), "segmentation": mask(number), **labels(number)}
            yield number, content


def numbers(split: str) -> range:
    """Of the pictures of a split."""
    return range(COUNTS["train"]) if split == "train" else range(COUNTS["train"], sum(COUNTS.values()))


def prepare(data_dir: Path) -> Path:
    """Prepares them, and returns the folder that has `dataset_info.json`."""
    builder = TinyAnimals(data_dir=data_dir)
    builder.download_and_prepare(download_config=tfds.download.DownloadConfig(try_download_gcs=False))
    return Path(builder.data_dir)


def prepare_others(data_dir: Path, shown: Any, examples: list[dict[str, Any]], **given: Any) -> Path:
    """Prepares examples with other features, by `tfds.dataset_builders.store_as_tfds_dataset`."""
    builder = tfds.dataset_builders.store_as_tfds_dataset(
        name="other", version="1.0.0", features=tfds.features.FeaturesDict(shown),
        split_datasets={"train": list(enumerate(examples))}, data_dir=data_dir, **given,
    )  # fmt: skip
    return Path(builder.data_dir)
