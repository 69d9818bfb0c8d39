"""`verify` on datasets with a label of every kind: whole, damaged, and contradicting itself."""

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pytest

from fitfeed.converters.verify import Finding, verify_dataset
from fitfeed.schemas.index import Index, write_index
from fitfeed.schemas.manifest import read_manifest
from tests.converters.damage import flip, reseal
from tests.labelled import EVERY_KIND, LAYOUTS

TRAIN = "train.index.arrow"


@pytest.fixture(params=list(LAYOUTS))
def copy(request: pytest.FixtureRequest, labelled: Callable[[str], Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(labelled(request.param), tmp_path / request.param))


def findings(folder: Path) -> tuple[Finding, ...]:
    return verify_dataset(folder).findings


def edit(folder: Path, column: str, row: int, value: Any) -> None:
    """Changes a cell of the index and makes every digest right again."""
    columns = pa.ipc.open_file(str(folder / TRAIN)).read_all().to_pydict()
    columns[column][row] = value
    write_index(folder / TRAIN, columns, read_manifest(folder).features.label_kinds)
    reseal(folder)


def test_whole_datasets_are_whole(copy: Path) -> None:
    assert findings(copy) == ()


def test_every_flipped_bit_of_masks_and_labels_is_found_and_named(copy: Path) -> None:
    manifest = read_manifest(copy)
    index = Index(copy / TRAIN, manifest.features.label_kinds)
    mask = index.labels["région"]
    for row in (0, 7, 17):
        shard = copy / manifest.splits["train"].shards[index.shard[row]].file
        place = int(mask.offset[row]) + int(mask.length[row]) // 2
        flip(shard, place, row % 8)
        found = {(each.kind, each.example, each.offset) for each in findings(copy)}
        assert ("payload", row, int(mask.offset[row])) in found
        assert {kind for kind, *_ in found} == {"payload", "sha256"}
        flip(shard, place, row % 8)
    assert findings(copy) == ()


@pytest.mark.slow
def test_random_flips_of_shards_are_found(labelled: Callable[[str], Path], tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for layout in LAYOUTS:
        folder = Path(shutil.copytree(labelled(layout), tmp_path / layout))
        shards = sorted(folder.glob("*-of-*"))
        for _ in range(25):
            shard = shards[random.integers(len(shards))]
            position, bit = int(random.integers(shard.stat().st_size)), int(random.integers(8))
            flip(shard, position, bit)
            assert shard.name in {each.file for each in findings(folder)}
            flip(shard, position, bit)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("species", 3, "its species is not one of 0 to 2"),
        ("species", -1, "its species is not one of 0 to 2"),
        ("tags", [0, 3], "its tags are not of 0 to 2, ascending, each once"),
        ("tags", [1, 0], "its tags are not of"),
        ("tags", [1, 1], "its tags are not of"),
        ("tags", [-1], "its tags are not of"),
        ("height_cm", math.nan, "its height_cm is not a finite number"),
        ("région_offset", -1, "the bytes of its région are outside its shard"),
        ("région_offset", 2**62, "the bytes of its région are outside its shard"),
        ("région_length", 0, "the bytes of its région are outside its shard"),
        ("région_length", 2**62, "the bytes of its région are outside its shard"),
    ],
)
def test_impossible_rows_are_named(copy: Path, column: str, value: Any, message: str) -> None:
    edit(copy, column, 4, value)
    assert any(each.file == TRAIN and each.example == 4 and message in each.detail for each in findings(copy))


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("tags", [0, 1, 2], "its tags"),
        ("height_cm", 7.5, "its height_cm"),
        ("petals", 5, "its petals"),
        ("note", "another", "its note"),
        ("région_crc32c", 1, "its région of"),
    ],
)
def test_an_index_that_says_otherwise_than_the_shards(
    copy: Path, column: str, value: Any, message: str
) -> None:
    edit(copy, column, 4, value)
    found = findings(copy)
    assert {(each.kind, each.example) for each in found} <= {("disagrees", 4), ("payload", 4)}
    assert any(message in each.detail for each in found)


def test_a_mask_that_is_another_ones(copy: Path) -> None:
    """Both masks are whole, and of the right size where all are of one."""
    columns = pa.ipc.open_file(str(copy / TRAIN)).read_all().to_pydict()
    for part in ("offset", "length", "crc32c"):
        values = columns[f"région_{part}"]
        values[0], values[1] = values[1], values[0]
    write_index(copy / TRAIN, columns, EVERY_KIND)  # type: ignore[arg-type]
    reseal(copy)
    assert {each.example for each in findings(copy)} == {0, 1}


def test_class_counts_are_compared(copy: Path) -> None:
    edit(copy, "species", 4, (Index(copy / TRAIN, EVERY_KIND).labels["species"][4] + 1) % 3)  # type: ignore[arg-type]
    assert sum("the manifest says" in each.detail for each in findings(copy)) == 2


@pytest.mark.parametrize("name", ["tags", "note", "tags_offset", "région", "height_cm"])
def test_hdf5_labels_that_are_links_are_not_followed(
    labelled: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    folder = Path(shutil.copytree(labelled("hdf5"), tmp_path / "dataset"))
    shard = sorted(folder.glob("train-*.h5"))[0]
    with h5py.File(shard, "r+") as file:
        del file[name]
        file[name] = h5py.ExternalLink(str(tmp_path / "outside.h5"), name)
    reseal(folder)
    assert any("is missing or is a link" in each.detail for each in findings(folder))


@pytest.mark.parametrize(
    ("ends", "message"), [((3, -5), "its note has"), ((3, 2**60), "its note has"), ((-1, 2**60), "ends at")]
)
def test_hdf5_offsets_that_lead_anywhere_cost_nothing(
    labelled: Callable[[str], Path], tmp_path: Path, ends: tuple[int, int], message: str
) -> None:
    folder = Path(shutil.copytree(labelled("hdf5"), tmp_path / "dataset"))
    shard = sorted(folder.glob("train-*.h5"))[0]
    with h5py.File(shard, "r+") as file:
        file["note_offset"][ends[0]] = ends[1]
    reseal(folder)
    assert any(message in each.detail for each in findings(folder))
