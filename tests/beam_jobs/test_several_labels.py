"""Several labels in a field, or in a column for each class: recorded, read by training, up to date, appended to."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fitfeed.converters.options import ConvertOptions
from fitfeed.pipelines import open_dataset
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.manifest import read_manifest
from tests.without_beam import convert

HELD = [["b", "a"], ["c"], [], ["a"]]


def write(folder: Path, held: list[list[str]], separator: str) -> Path:
    """Pictures, and a table that says twice which classes each has: in a field, and in columns."""
    lines = ["path,tags,b,a,c"]
    for number, names in enumerate(held):
        pixels = np.random.default_rng(number).integers(0, 256, (6, 6, 3), np.uint8)
        if not (folder / f"{number}.png").exists():
            Image.fromarray(pixels).save(folder / f"{number}.png")
        columns = ",".join("1" if name in names else "" for name in "bac")
        lines.append(f"{number}.png,{separator.join(names) or '[]'},{columns}")
    (folder / "t.csv").write_text("\n".join(lines))
    return folder / "t.csv"


def read(dataset: Path, name: str) -> dict[str, set[str]]:
    found = open_dataset(dataset)
    names = found.manifest.features.labels[name].class_names  # type: ignore[union-attr]
    records = found.records("train")
    return {
        record["key"]: {names[i] for i in record[name]}
        for record in map(records.__getitem__, range(len(records)))
    }


def test_fields_and_columns_are_the_same_label(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    table, dataset = write(tmp_path / "source", HELD, "|"), tmp_path / "dataset"
    columns = ("tags:multiclass", "v=b..c:multiclass")
    options = ConvertOptions(label_columns=columns, label_separator="|")
    convert(table, dataset, options)
    manifest = read_manifest(dataset)
    assert manifest.options["label_separator"] == "|"
    label = manifest.features.labels["v"]
    assert (label.class_names, label.class_order) == (["b", "a", "c"], "given")  # type: ignore[union-attr]
    assert (
        read(dataset, "v")
        == read(dataset, "tags")
        == {f"{i}.png": set(names) for i, names in enumerate(HELD)}
    )
    assert convert(table, dataset, options).up_to_date

    more = [*HELD, ["c", "d"], ["b"]]
    table = write(tmp_path / "source", more, ";")  # the table that joins is written in another way
    columns_only = ConvertOptions(label_columns=columns, label_separator=";")
    assert convert(table, dataset, columns_only, append=True).added == {"train": 2}
    assert read_manifest(dataset).options["label_separator"] == "|"
    assert read(dataset, "tags")["4.png"] == {"c", "d"}
    assert read(dataset, "v")["4.png"] == {"c"}


def test_one_hot_columns_are_a_class(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    table = write(tmp_path / "source", [["c"], ["a"], ["c"]], ";")
    result = convert(table, tmp_path / "dataset", ConvertOptions(label_columns=("=b,a,c",)))
    assert result.manifest.class_names == ["b", "a", "c"]
    assert result.manifest.splits["train"].class_counts == [0, 1, 2]


def test_no_separator_is_recorded_where_none_is_given(tmp_path: Path) -> None:
    assert "label_separator" not in ConvertOptions(label_columns=("a:multiclass",)).to_json()
    with pytest.raises(UsageError, match="label_separator must be one character or more"):
        ConvertOptions(label_separator="")
