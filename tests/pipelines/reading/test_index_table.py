"""The index as an Arrow table: what is in it, that it is not copied, and that damage is found before anybody reads it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from fitfeed.pipelines import Dataset, open_dataset
from fitfeed.pipelines.reading.index_table import index_table, numbers_where
from fitfeed.pipelines.reading.joined_index import JoinedIndex
from fitfeed.schemas.errors import DamagedDatasetError, UsageError
from fitfeed.schemas.features import Features
from fitfeed.schemas.index import Index, write_index
from tests.labelled import EVERY_KIND
from tests.pipelines.build_dataset import CLASS_NAMES, Format


def test_one_split(flowers: Dataset) -> None:
    table, index = flowers.index("train"), flowers.records("train").index
    assert table.column_names[:3] == ["example", "split", "label_name"]
    assert table["example"].to_pylist() == list(range(53))
    assert set(table["split"].to_pylist()) == {"train"}
    assert table["key"].to_pylist() == [index.key(row) for row in range(53)]
    assert table["label_name"].to_pylist() == [CLASS_NAMES[label] for label in index.labels["label"]]
    assert np.array_equal(table["height"], index.height)
    assert table["source_format"].to_pylist() == ["PNG"] * 53
    with pytest.raises(UsageError, match="no such split"):
        flowers.index("test")


def test_columns_of_the_file_are_not_copied(flowers: Dataset) -> None:
    index = flowers.records("train").index
    assert isinstance(index, Index)
    columns = index.columns()
    for name in columns:
        ours, theirs = flowers.index("train")[name].chunks[0], columns[name]
        addresses = [[None if b is None else b.address for b in each.buffers()] for each in (ours, theirs)]
        assert addresses[0] == addresses[1]


def test_several_splits_with_labels_of_every_kind(labelled: Callable[[str], Path]) -> None:
    dataset = open_dataset(labelled("tfrecord"))
    names = ["validation", "train"]
    table, records = dataset.index(names), dataset.records(names)
    assert isinstance(records.index, JoinedIndex)
    assert table["example"].to_pylist() == list(range(24))
    assert table["split"].to_pylist() == ["validation"] * 6 + ["train"] * 18
    scalars = {name for name, kind in EVERY_KIND.items() if kind != "mask"} | {"key"}
    for row in table.to_pylist():
        record = records[row["example"]]
        for name in scalars:
            value = record[name]
            assert row[name] == (value.tolist() if isinstance(value, np.ndarray) else value)
        assert row["species_name"] == dataset.manifest.features.labels["species"].class_names[row["species"]]  # type: ignore[union-attr]


def test_a_label_that_is_called_like_an_added_column_keeps_it(tmp_path: Path) -> None:
    classes: dict[str, Any] = {"kind": "class", "class_names": ["a", "b"], "class_order": "text"}
    features = Features.model_validate(
        {
            "image": {"dtype": "uint8", "shape": (None, None, 3), "encoding": "keep"},
            "label": classes,
            "label_name": {"kind": "text"},
            "split": {"kind": "int"},
            "key": {},
        }
    )
    columns: dict[str, list[Any]] = {
        "key": ["x"], "source": [0], "path": ["x"], "label": [1], "label_name": ["mine"], "split": [7],
        "shard": [0], "offset": [0], "length": [1], "crc32c": [0], "height": [1], "width": [1],
        "source_bytes": [1], "source_digest": [b"0" * 16], "pixel_digest": [b"0" * 16], "mean": [0],
        "deviation": [0], "orientation": [1], "source_format": ["PNG"], "profile": [None],
        "source_height": [1], "source_width": [1],
    }  # fmt: skip
    kinds = features.label_kinds
    write_index(tmp_path / "x.arrow", columns, kinds)
    (row,) = index_table([Index(tmp_path / "x.arrow", kinds)], features, ["train"]).to_pylist()
    assert (row["label_name"], row["split"], row["example"]) == ("mine", 7, 0)


@pytest.mark.parametrize("damage", ["place", "text"])
def test_damage_is_found_before_the_table_is_given_away(
    own_copy: Callable[[Format], Path], damage: str
) -> None:
    """Arrow reads wherever an offset leads. Feeding looks at a key when it reads it."""
    folder = own_copy("tfrecord")
    path = folder / "train.index.arrow"
    content = bytearray(path.read_bytes())
    batch = open_dataset(folder).records("train").index.columns()  # type: ignore[union-attr]
    if damage == "place":
        ends = np.frombuffer(batch["key"].buffers()[1], np.int64)[:54].tobytes()
        wrong = np.frombuffer(ends, np.int64).copy()
        wrong[20] = 2**40
        content[content.index(ends) : content.index(ends) + len(ends)] = wrong.tobytes()
    else:
        content[content.index(b"class1/image0019")] = 0xFF
    path.write_bytes(content)
    with pytest.raises(DamagedDatasetError, match=r"train\.index\.arrow is not a readable version 2 index"):
        open_dataset(folder).index("train")


def test_rows_where_an_expression_is_true() -> None:
    table = pa.table({"x": [3, None, 1, 2], "name": ["a", "b", "a", "c"]})
    assert numbers_where(table, pc.field("x") >= 2).tolist() == [0, 3]
    assert numbers_where(table, pc.is_in(pc.field("name"), pa.array(["c", "b"]))).tolist() == [1, 3]
    assert numbers_where(table, pc.field("x") > 9).tolist() == []


TEXTS = pa.DictionaryArray.from_arrays([0], ["abc"])


def test_a_hint_works() -> None:
    assert numbers_where(
        pa.table({"x": TEXTS}), pc.match_substring(pc.field("x").cast("string"), "b")
    ).tolist() == [0]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (
            pc.field("nmae") == "a",
            r"nmae.*Received: \(nmae == \"a\"\)\. The columns of the index: x, name, texts\.",
        ),
        (pc.field("name") + 1, "cannot be evaluated"),
        (pc.field("name"), "cannot be evaluated"),
        (pc.field("x") == "rose", "its name is in the column <label>_name"),
        (pc.match_substring(pc.field("texts"), "b"), r"Write \.cast\('string'\) after the field"),
    ],
)
def test_an_expression_that_cannot_be_evaluated(expression: pc.Expression, message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        numbers_where(pa.table({"x": [1], "name": ["a"], "texts": TEXTS}), expression)
    assert "\n" not in str(error.value)
