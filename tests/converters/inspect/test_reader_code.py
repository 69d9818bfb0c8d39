"""The Python that reads a foreign file, as text; `test_detect` runs it on real files."""

import ast
from pathlib import Path

import pytest

from fitfeed.converters.inspect.decompress import Compression
from fitfeed.converters.inspect.reader_code import hdf5_parser, tfrecord_parser
from fitfeed.converters.inspect.report import ForeignFeature


def feature(name: str, dtype: str = "int64", **more: object) -> ForeignFeature:
    defaults: dict[str, object] = {"role": "feature", "shape": (), "present": 3}
    return ForeignFeature(name=name, dtype=dtype, **{**defaults, **more})  # type: ignore[arg-type]


def parser(
    *features: ForeignFeature, content: str = "tf.train.Example", compression: Compression = "none"
) -> str:
    text = tfrecord_parser(
        Path('a "b".tfrecord'),
        features,
        compression=compression,
        content=content,
        records=3,
    )
    ast.parse(text)
    return text


def test_features_of_one_and_of_many_lengths() -> None:
    text = parser(feature("label"), feature("box", "float32", shape=(4,)), feature("ids", shape=(None,)))
    assert '    "label": tf.io.FixedLenFeature([], tf.int64),' in text
    assert '    "box": tf.io.FixedLenFeature([4], tf.float32),' in text
    assert '    "ids": tf.io.RaggedFeature(tf.int64),' in text
    assert "tf.data.TFRecordDataset('a \"b\".tfrecord')" in text
    assert text.endswith(".map(parse)\n")


def test_what_cannot_be_parsed_is_a_comment() -> None:
    text = parser(feature("label"), feature("odd", "mixed", note="has values of several types"))
    assert '# "odd" has values of several types' in text
    assert '"odd":' not in text


@pytest.mark.parametrize("content", ["bytes", "tf.train.Example"])
def test_without_features_each_element_is_a_record(content: str) -> None:
    text = parser(content=content, compression="gzip")
    assert 'compression_type="GZIP"' in text
    assert "def parse" not in text


def test_variables_of_hdf5_are_names_of_python_and_differ() -> None:
    names = ("/images", "/a b", "/a_b", "/1st", "/class", "/file")
    text = hdf5_parser(
        Path("x.h5"),
        [feature(name, role="dataset", shape=(3,)) for name in names] + [feature("l", role="link")],
    )
    tree = ast.parse(text)
    targets = [node.targets[0].id for node in tree.body if isinstance(node, ast.Assign)]  # type: ignore[attr-defined]
    assert targets == ["file", "images", "a_b", "a_b_2", "data_1st", "data_class", "file_2"]
