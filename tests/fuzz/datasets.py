"""Small whole datasets, in which a target replaces one file."""

import shutil
from pathlib import Path
from typing import Any

from fitfeed.pipelines.dataset import open_dataset
from fitfeed.schemas.errors import DamagedExampleError, FitfeedError
from fitfeed.schemas.manifest import MANIFEST_NAME
from tests.converters.damage import reseal

GOLDEN = Path(__file__).parents[1] / "golden"


def with_file(folder: Path, name: str, files: dict[str, bytes], *, sealed: bool = True) -> Path:
    """A dataset of the golden files, with other bytes in some of them.

    Args:
        folder: Where to make it. One that is there is used again: it has the same files replaced.
        name: Its name.
        files: File name to content.
        sealed: Whether its manifest says the size and SHA-256 of these files, as that of a hostile dataset would.
    """
    dataset = folder / name
    if not dataset.is_dir():
        shutil.copytree(GOLDEN / name, dataset)
    shutil.copyfile(GOLDEN / name / MANIFEST_NAME, dataset / MANIFEST_NAME)
    for file, data in files.items():
        (dataset / file).write_bytes(data)
    if sealed:
        reseal(dataset)
    return dataset


def read_everything(folder: Path) -> int:
    """Reads a dataset as training does, each example by itself, and its index as a table.

    Returns:
        How many examples could be read.

    Raises:
        Exception: Anything but a documented error.
    """
    read = 0
    try:
        dataset = open_dataset(folder)
        _ = (dataset.class_names, dataset.statistics, dataset.skipped, repr(dataset))
        for split in dataset.splits:
            records = dataset.records(split)
            for row in range(min(len(records), 100)):
                read += _can_be_read(records, row)
            dataset.index(split).slice(0, 100).to_pylist()
    except FitfeedError:
        pass
    return read


def _can_be_read(records: Any, row: int) -> bool:
    try:
        records[row]
        records.encoded(row)
    except DamagedExampleError:
        return False
    return True
