"""Foreign files, made by hand, and what is read out of the reports about them."""

import io
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from PIL import Image

from fitfeed.converters.inspect.report import (
    ForeignFeature,
    ForeignReport,
)

CONTAINERS = Path(__file__).parents[2] / "data" / "nasty" / "containers"

READS_WEBP = pytest.mark.skipif(
    tf.__version__.startswith(("2.18.", "2.19.")),
    reason="neither this TensorFlow nor tensorflow-io decodes WebP",
)


def picture(kind: str, *, size: int = 8) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (size, size), (size, 20, 30)).save(stream, kind)
    return stream.getvalue()


def feature(value: Any) -> Any:
    if not value:
        return tf.train.Feature()
    if isinstance(value[0], bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=value))
    if isinstance(value[0], float):
        return tf.train.Feature(float_list=tf.train.FloatList(value=value))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=value))


def example(**values: Any) -> bytes:
    features = {name: feature(value) for name, value in values.items()}
    serialised: bytes = tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()
    return serialised


def sequence_example(context: dict[str, Any], sequences: dict[str, list[Any]]) -> bytes:
    lists = {
        name: tf.train.FeatureList(feature=[feature(step) for step in steps])
        for name, steps in sequences.items()
    }
    message = tf.train.SequenceExample(
        context=tf.train.Features(feature={name: feature(value) for name, value in context.items()}),
        feature_lists=tf.train.FeatureLists(feature_list=lists),
    )
    serialised: bytes = message.SerializeToString()
    return serialised


def write(path: Path, records: list[bytes], compression: str = "") -> Path:
    with tf.io.TFRecordWriter(str(path), compression) as writer:
        for record in records:
            writer.write(record)
    return path


def write_shards(folder: Path) -> Path:
    """Three numbered shards of 1, 2 and 3 records."""
    folder.mkdir()
    for number in range(3):
        records = [example(label=[number])] * (number + 1)
        write(folder / f"train-{number:05}-of-00003.tfrecord", records)
    return folder


def by_name(report: ForeignReport) -> dict[str, ForeignFeature]:
    return {found.name: found for found in report.features}


def run_parser(report: ForeignReport) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(report.parser, names)
    return names


def parsed(report: ForeignReport) -> list[Any]:
    return list(run_parser(report)["dataset"])
