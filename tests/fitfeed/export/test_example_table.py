"""The table has where each image is, and keeps labels apart from columns of its own."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from fitfeed.converters.options import ConvertOptions
from fitfeed.pipelines import Dataset, open_dataset
from tests.fitfeed.export.croissant_records import records_of
from tests.without_beam import convert


@pytest.fixture(scope="module")
def exported(labeled: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return labeled.export_croissant(tmp_path_factory.mktemp("export"))


def test_the_table_says_where_each_image_is(exported: Path, labeled: Dataset) -> None:
    rows = pq.read_table(exported.with_name("index.parquet")).to_pylist()
    for split in labeled.splits:
        records = labeled.records(split)
        of_split = [row for row in rows if row["split"] == split]
        for number, row in enumerate(of_split):
            stored = (labeled.path / row["shard"]).read_bytes()
            assert stored[row["offset"] :][: row["length"]] == records.encoded(number)


def test_labels_may_have_the_names_of_columns(tmp_path: Path, few_photos: Path) -> None:
    rows = ["path,split,split_name"]
    rows += [
        f"{path.relative_to(few_photos)},{'a b'[::2][number % 2]},x{number}"
        for number, path in enumerate(sorted(few_photos.rglob("*.jpg")))
    ]
    (tmp_path / "table.csv").write_text("\n".join(rows))
    for path in few_photos.rglob("*.jpg"):
        target = tmp_path / path.relative_to(few_photos)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(path.read_bytes())
    options = ConvertOptions(label_columns=("split:class", "split_name:text"))
    convert(tmp_path / "table.csv", tmp_path / "dataset", options)
    found = records_of(open_dataset(tmp_path / "dataset").export_croissant())
    assert {row["split_"] for row in found} == {"train"}
    assert {row["split"] for row in found} == {0, 1}
    assert {row["split_name"] for row in found} == {f"x{number}" for number in range(8)}
