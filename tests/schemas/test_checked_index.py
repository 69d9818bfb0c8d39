"""What an index may not say, compared with its manifest."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fitfeed.schemas.checked_index import check_index, open_checked_index
from fitfeed.schemas.errors import DamagedDatasetError
from fitfeed.schemas.index import Index
from fitfeed.schemas.manifest import Manifest, read_manifest
from tests.pipelines.build_dataset import build_dataset, jpeg_example


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_dataset(
        tmp_path_factory.mktemp("checked") / "d", {"train": [jpeg_example(i) for i in range(7)]}
    )


@pytest.fixture
def manifest(folder: Path) -> Manifest:
    return read_manifest(folder)


@pytest.mark.parametrize("whole", [False, True])
def test_a_good_index_is_opened(folder: Path, manifest: Manifest, whole: bool) -> None:
    assert len(open_checked_index(folder, manifest, "train", whole=whole)) == 7


def changed(index: Index, **columns: Any) -> Index:
    """The same index with other values in some rows: column=(row, value)."""
    for name, (row, value) in columns.items():
        values = np.array(getattr(index, name))
        values[row] = value
        setattr(index, name, values)
    return index


@pytest.mark.parametrize(
    "columns",
    [
        {"shard": (0, 1)},
        {"offset": (3, -1)},
        {"offset": (3, 1 << 40)},
        {"length": (6, 0)},
        {"length": (6, 1 << 40)},
        {"height": (2, 0)},
        {"width": (2, -5)},
        {"height": (2, 2**31 - 1)},
    ],
)
def test_impossible_rows_are_named_with_the_address(
    folder: Path, manifest: Manifest, columns: dict[str, Any]
) -> None:
    index = changed(open_checked_index(folder, manifest, "train"), **columns)
    with pytest.raises(DamagedDatasetError, match=r"gs://bucket/train.index.arrow(: row \d| assigns)"):
        check_index(index, manifest, "train", "gs://bucket/train.index.arrow")


def test_another_number_of_rows_is_refused(folder: Path, manifest: Manifest) -> None:
    split = manifest.splits["train"].model_copy(update={"examples": 8})
    other = manifest.model_copy(update={"splits": {"train": split}})
    with pytest.raises(DamagedDatasetError, match="has 7 rows, but the manifest says 8 examples"):
        open_checked_index(folder, other, "train")


def test_bytes_that_were_changed_are_found_if_all_are_compared(tmp_path: Path) -> None:
    folder = build_dataset(tmp_path / "d", {"train": [jpeg_example(i) for i in range(4)]})
    manifest = read_manifest(folder)
    path = folder / manifest.splits["train"].index.file
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(DamagedDatasetError, match="is not what was published"):
        open_checked_index(folder, manifest, "train", whole=True)
