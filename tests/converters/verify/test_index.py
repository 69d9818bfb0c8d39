"""Rows of an index that say what no file and no picture can be."""

from pathlib import Path

import pyarrow as pa
import pytest

from fitfeed.converters.verify import verify_dataset
from fitfeed.schemas.index import write_index
from tests.converters.damage import columns_of, edit_index, reseal

TRAIN = "train.index.arrow"

FACTS = {
    "source": (1, "its source is not one of 0 to 0"),
    "source_bytes": (0, "its file had less than 1 byte"),
    "source_height": (0, "its source's height or width is less than 1"),
    "source_width": (7, "its size is not that of its source"),
    "mean": (65_281, "its mean is more than 65280"),
    "deviation": (32_641, "its deviation is more than 32640"),
    "orientation": (9, "its orientation is not 1 to 8"),
}


@pytest.mark.parametrize("column", FACTS)
def test_a_fact_that_no_file_has(tfrecord: Path, column: str) -> None:
    value, message = FACTS[column]
    edit_index(tfrecord / TRAIN, column, 4, value)
    reseal(tfrecord)
    found = verify_dataset(tfrecord).findings
    assert {(finding.file, finding.example) for finding in found} == {(TRAIN, 4)}
    assert any(message in finding.detail for finding in found)


@pytest.mark.parametrize("column", ["source_format", "profile"])
@pytest.mark.parametrize("number", [-1, 2])
def test_a_name_that_the_index_does_not_have(tfrecord: Path, column: str, number: int) -> None:
    columns = columns_of(tfrecord / TRAIN)
    numbers = [0] * len(columns["key"])
    numbers[4] = number
    columns[column] = pa.DictionaryArray.from_arrays(
        pa.array(numbers, pa.int8()), pa.array(["a", "b"], pa.string()), safe=False
    )
    write_index(tfrecord / TRAIN, columns)
    reseal(tfrecord)
    found = verify_dataset(tfrecord).findings
    assert [(finding.file, finding.example) for finding in found] == [(TRAIN, 4)]
    assert f"its {column} is none of those" in found[0].detail
