"""Pairs: what is said of two pictures is true of their pixels."""

from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image

from fitfeed.pipelines import open_dataset
from fitfeed.report.duplicate_pairs import find_pairs
from fitfeed.report.facts import index_tables
from fitfeed.report.page import report_page
from fitfeed.schemas.side_tables import DUPLICATES_NAME, duplicates_schema, write_table
from fitfeed.schemas.storage.open_place import open_place
from tests.without_beam import convert


def test_pictures_that_only_look_alike_are_not_called_equal(tmp_path: Path) -> None:
    source = tmp_path / "source" / "a"
    source.mkdir(parents=True)
    noise = np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)
    Image.fromarray(noise).save(source / "first.png")
    noise[0, 0] += 1
    Image.fromarray(noise).save(source / "second.png")
    result = convert(tmp_path / "source", tmp_path / "out")
    dataset = open_dataset(tmp_path / "out")
    found = find_pairs(index_tables(dataset), open_place(dataset.address, "DATASET"))
    assert found is not None
    assert found.listed == {"near_duplicate": 1}
    assert result.near_duplicates is not None
    assert (found.alike, found.alike_across) == (result.near_duplicates.within, 0) == (1, 0)
    assert [(pair.exact, pair.distance) for pair in found.shown] == [(False, 0)]
    page = report_page(dataset, "noise").html
    assert page.count("train: alike, 0 bits differ</figcaption>") == 1
    assert "equal pixels" not in page


def test_an_image_that_is_like_many_counts_once_as_in_the_summary(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)
    for number, split in enumerate(("train", "train", "train", "test", "test")):
        (tmp_path / "source" / split / "a").mkdir(parents=True, exist_ok=True)
        noise[0, number] += 1
        Image.fromarray(noise).save(tmp_path / "source" / split / "a" / f"{number}.png")
    said = convert(tmp_path / "source", tmp_path / "out").near_duplicates
    assert said is not None
    dataset = open_dataset(tmp_path / "out")
    found = find_pairs(index_tables(dataset), open_place(dataset.address, "DATASET"))
    assert found is not None
    assert (found.alike, found.alike_across) == (said.within, said.across_splits)
    assert sum(found.listed.values()) > found.alike + found.alike_across


def test_pairs_of_what_is_no_example_are_not_counted_and_a_table_that_is_not_complete_says_so(
    few_photos: Path, tmp_path: Path
) -> None:
    convert(few_photos, tmp_path / "out")
    dataset = open_dataset(tmp_path / "out")
    place = open_place(dataset.address, "DATASET")
    tables = index_tables(dataset)
    first, second = tables["train"]["key"].to_pylist()[:2]
    columns = [[second, "gone", second], [first, first, "gone"], ["near_duplicate"] * 3, [5, 5, 5]]
    batch = pa.record_batch(columns, schema=duplicates_schema(complete=False))
    write_table(place, DUPLICATES_NAME, batch)
    found = find_pairs(tables, place)
    assert found is not None
    assert (found.listed, found.alike, found.complete) == ({"near_duplicate": 1}, 1, False)
    assert len(found.shown) == 1
    page = report_page(dataset, "photos").html
    assert "at least 1 example looks like another one of the split." in page
    assert "; there may be more." in page
