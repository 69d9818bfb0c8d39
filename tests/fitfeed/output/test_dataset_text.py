"""Classes of every label, with their numbers."""

from pathlib import Path

from PIL import Image

from fitfeed.converters.options import ConvertOptions
from fitfeed.output.dataset_text import MAX_NAMED, dataset_lines, numbered
from fitfeed.schemas.manifest import read_manifest
from tests.without_beam import convert


def test_classes_are_numbered_and_many_are_shortened() -> None:
    assert numbered(["cat", "dog"]) == "0 cat, 1 dog"
    assert numbered([]) == ""
    many = numbered([f"c{i}" for i in range(5000)])
    assert many.startswith("0 c0, 1 c1, ")
    assert many.endswith("17 c17, ..., 4999 c4999")
    assert numbered(["x" * 1000]).endswith("...")
    assert "..." not in numbered(["c"] * MAX_NAMED)


def test_every_label_names_its_classes(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    rows = ["file,finding,tags"]
    for i in range(4):
        Image.effect_noise((12, 12), 50).save(source / f"{i}.png")
        rows.append(f"{i}.png,{'ab'[i % 2]},{'old;blurred' if i % 3 else 'new'}")
    table = tmp_path / "table.csv"
    table.write_text("\n".join(rows))
    options = ConvertOptions(label_columns=("finding", "tags:multiclass"))
    convert(source, tmp_path / "out", options, labels=table)
    text = "\n".join(dataset_lines("out", read_manifest(tmp_path / "out")))
    assert "finding    int64, 2 classes\n           0 a, 1 b\n" in text
    assert "tags       int64, 3 classes, any number of them\n           0 blurred, 1 new, 2 old\n" in text
