"""Images with masks that join a dataset: compared with what is there, and in the end as if converted at once."""

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fitfeed.converters.option_parts.storage import Format
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.verify import verify_dataset
from fitfeed.pipelines import open_dataset
from fitfeed.schemas.errors import UsageError
from tests.folders import contents
from tests.without_beam import convert

OPTIONS = ConvertOptions(label_columns=("kind", "lesion:mask"), encoding="png")


def write(folder: Path, numbers: Iterable[int], masks: dict[int, int] | None = None) -> Path:
    """Pictures with masks of one size in bytes, and a table; `masks` exchanges masks of some."""
    folder.mkdir(exist_ok=True)
    rows = ["image,kind,lesion"]
    for number in numbers:
        Image.new("RGB", (4, 3), (number, 9, 9)).save(folder / f"{number}.bmp")
        Image.new("L", (4, 3), number % 3).save(folder / f"{number}-mask.bmp")
        rows.append(f"{number}.bmp,{'ab'[number % 2]},{(masks or {}).get(number, number)}-mask.bmp")
    (folder / "table.csv").write_text("\n".join(rows))
    return folder / "table.csv"


def masks_of(dataset: Path) -> dict[str, list[int]]:
    records = open_dataset(dataset).records("train")
    found = [records[row] for row in range(len(records))]
    return {record["key"]: np.unique(record["lesion"]).tolist() for record in found}


@pytest.mark.parametrize("format_", ["tfrecord", "hdf5"])
def test_in_the_end_it_is_as_if_converted_at_once(tmp_path: Path, format_: Format) -> None:
    options = ConvertOptions.from_json({**OPTIONS.to_json(), "format": format_})
    dataset, source = tmp_path / "dataset", tmp_path / "source"
    convert(write(source, range(4)), dataset, options)
    added = convert(write(source, range(9)), dataset, append=True)
    assert added.added == {"train": 5}
    assert masks_of(dataset) == {f"{number}.bmp": [number % 3] for number in range(9)}
    assert verify_dataset(dataset).ok
    assert convert(source / "table.csv", dataset, append=True).up_to_date
    assert convert(source / "table.csv", dataset, options).up_to_date
    at_once = convert(source / "table.csv", tmp_path / "at once", options).manifest
    assert added.manifest.features == at_once.features
    assert added.manifest.source == at_once.source


def test_images_that_are_gone_keep_their_masks(tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    convert(write(tmp_path / "first", range(3)), dataset, OPTIONS)
    convert(write(tmp_path / "second", range(3, 6)), dataset, append=True)
    folders = ["", "", "", "second/", "second/", "second/"]
    assert masks_of(dataset) == {f"{folders[number]}{number}.bmp": [number % 3] for number in range(6)}
    assert convert(tmp_path / "first" / "table.csv", dataset, append=True).up_to_date


def test_the_same_picture_with_another_mask_is_a_conflict(tmp_path: Path) -> None:
    source, dataset = tmp_path / "source", tmp_path / "dataset"
    convert(write(source, [2, 4]), dataset, OPTIONS)
    table = write(source, [2, 4, 6, 8], masks={6: 2, 8: 2})
    for number, copied in ((6, 2), (8, 4)):
        (source / f"{number}.bmp").write_bytes((source / f"{copied}.bmp").read_bytes())
    added = convert(table, dataset, append=True)
    assert {pair.paths: pair.kind for pair in added.duplicates} == {
        ("6.bmp", "2.bmp"): "duplicate",
        ("8.bmp", "4.bmp"): "label_conflict",
    }


@pytest.mark.parametrize("how", ["rewritten", "exchanged"])
def test_another_mask_of_a_known_image_is_refused(tmp_path: Path, how: str) -> None:
    source, dataset = tmp_path / "source", tmp_path / "dataset"
    table = write(source, range(4))
    for path in source.iterdir():
        os.utime(path, ns=(10**18, 10**18))
    convert(table, dataset, OPTIONS)
    assert convert(table, dataset, append=True).up_to_date  # now all times are known
    before = contents(dataset)
    if how == "rewritten":
        Image.new("L", (4, 3), 7).save(source / "1-mask.bmp")
        named = "1-mask.bmp"
    else:  # no file changes
        lines = table.read_text().splitlines()
        table.write_text("\n".join([*lines[:2], lines[2].replace("1-mask", "2-mask"), *lines[3:]]))
        named = "2-mask.bmp"
    with pytest.raises(UsageError, match=rf"  {named}: not what the mask of its image was\n"):
        convert(table, dataset, append=True)
    assert contents(dataset) == before
