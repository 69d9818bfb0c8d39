"""An export replaces its own files, and nobody else's."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fitfeed.export.own_files import MARK, require_ours
from fitfeed.pipelines import open_dataset
from fitfeed.schemas.errors import UsageError


@pytest.mark.parametrize("name", ["croissant.json", "index.parquet"])
def test_what_somebody_else_wrote_is_not_replaced(own: Path, tmp_path: Path, name: str) -> None:
    dataset, target = open_dataset(own), tmp_path / "export"
    other = {"croissant.json": "index.parquet", "index.parquet": "croissant.json"}[name]
    target.mkdir()
    (target / name).write_bytes(b"mine")
    with pytest.raises(UsageError, match=rf"{name} was not written by an export .*Move it away"):
        dataset.export_croissant(target)
    assert (target / name).read_bytes() == b"mine"
    assert not (target / other).exists()


def test_tables_and_descriptions_of_others_are_not_ours(own: Path, tmp_path: Path) -> None:
    """As other programs write them: with the same columns, and the same description but for who publishes it."""
    dataset = open_dataset(own)
    path = dataset.export_croissant(tmp_path / "export")
    table = pq.read_table(path.with_name("index.parquet"))
    pq.write_table(table.replace_schema_metadata(None), path.with_name("index.parquet"))
    with pytest.raises(UsageError, match=r"index\.parquet was not written"):
        dataset.export_croissant(path.parent)
    path.with_name("index.parquet").unlink()
    document = json.loads(path.read_text())
    del document["sdPublisher"]
    path.write_text(json.dumps(document))
    with pytest.raises(UsageError, match=r"croissant\.json was not written"):
        dataset.export_croissant(path.parent)


def test_a_folder_or_a_link_is_not_ours(own: Path, tmp_path: Path) -> None:
    dataset = open_dataset(own)
    exported = dataset.export_croissant(tmp_path / "real")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "croissant.json").symlink_to(exported)
    (tmp_path / "folder" / "index.parquet").mkdir(parents=True)
    for name in ("linked", "folder"):
        with pytest.raises(UsageError, match="was not written by an export"):
            dataset.export_croissant(tmp_path / name)
    assert (tmp_path / "linked" / "croissant.json").is_symlink()


def test_an_own_table_of_many_columns_is_known_again(tmp_path: Path) -> None:
    schema = pa.schema(
        {f"label_{number}": pa.int64() for number in range(1000)}, metadata={"written by": MARK}
    )
    with pq.ParquetWriter(tmp_path / "index.parquet", schema) as writer:
        writer.write_table(schema.empty_table())
    require_ours(tmp_path / "index.parquet")
