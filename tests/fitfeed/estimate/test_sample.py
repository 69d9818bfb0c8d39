"""Which files are in a sample, and what is copied of them."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitfeed.converters.options import ConvertOptions
from fitfeed.estimate.sample import PARTS, _file_name, stratified, take_sample
from fitfeed.schemas.errors import NotFoundError, UsageError
from tests.without_beam import convert


@given(
    sizes=st.lists(st.integers(0, 1 << 40), min_size=1, max_size=300),
    count=st.integers(1, 400),
    parts=st.integers(1, 10),
)
def test_parts_are_samples_of_all_strata(sizes: list[int], count: int, parts: int) -> None:
    places, part_of = stratified(sizes, count=count, parts=parts)
    assert len(set(places.tolist())) == len(places) <= max(count, parts)
    if len(sizes) < parts:
        assert len(places) == len(sizes)
        return
    strata = max(1, min(count, len(sizes)) // parts)
    assert Counter(part_of.tolist()) == dict.fromkeys(range(parts), strata)
    order = np.argsort(np.asarray(sizes), kind="stable")
    stratum_of = {
        place: number for number, stratum in enumerate(np.array_split(order, strata)) for place in stratum
    }
    pairs = [(part, stratum_of[place]) for part, place in zip(part_of.tolist(), places.tolist(), strict=True)]
    assert len(set(pairs)) == len(pairs) == parts * strata


def test_one_large_file_in_eight_is_in_every_part() -> None:
    sizes = [10] * 140 + [1000] * 20
    places, part_of = stratified(sizes, count=64, parts=8)
    large = {part for place, part in zip(places.tolist(), part_of.tolist(), strict=True) if place >= 140}
    assert large == set(range(8))


def test_a_folder_needs_no_class_folders(few_photos: Path, tmp_path: Path) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    for number, photo in enumerate(sorted(few_photos.rglob("*.jpg"))):
        (flat / f"{number}.JPG").write_bytes(photo.read_bytes())
    steps: list[str] = []
    sample = take_sample(
        str(flat), tmp_path / "sample", count=64, singles=3, progress=lambda step: steps.append(step)
    )
    originals = {photo.read_bytes() for photo in flat.iterdir()}
    copies = [path for part in sample.parts for path in (sample.folder / part).iterdir()]
    assert {path.read_bytes() for path in copies} == originals
    assert len(copies) == sample.copied == sample.images == 8
    assert sample.source_bytes == sum(map(len, originals))
    assert sample.parts[0] == "train"
    assert len(sample.parts) == PARTS
    assert [len(list((sample.folder / single).iterdir())) for single in sample.singles] == [1, 1, 1]
    assert steps == ["listing", *["sample"] * 8]
    assert (sample.is_far, sample.unreadable) == (False, 0)


def test_a_dataset_is_a_source_and_plain_pixels_are_not(few_photos: Path, tmp_path: Path) -> None:
    convert(few_photos, tmp_path / "kept")
    assert take_sample(str(tmp_path / "kept"), tmp_path / "a", count=16, singles=1).copied == 8
    convert(few_photos, tmp_path / "raw", ConvertOptions(encoding="raw", size=(16, 16)))
    with pytest.raises(UsageError, match="is a dataset of plain pixels"):
        take_sample(str(tmp_path / "raw"), tmp_path / "b", count=16, singles=1)


def test_a_table_is_a_source(few_photos: Path, tmp_path: Path) -> None:
    table = few_photos / "table.csv"
    names = [str(path.relative_to(few_photos)) for path in sorted(few_photos.rglob("*.jpg"))]
    table.write_text("path,label\n" + "".join(f"{name},a\n" for name in names[:5]))
    try:
        assert take_sample(str(table), tmp_path / "sample", count=16, singles=1).images == 5
    finally:
        table.unlink()


def test_what_is_not_there_is_said_as_by_convert(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="nowhere"):
        take_sample(str(tmp_path / "nowhere"), tmp_path / "sample", count=16, singles=1)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="empty"):
        take_sample(str(tmp_path / "empty"), tmp_path / "sample", count=16, singles=1)


def test_a_file_that_cannot_be_read_is_counted(tmp_path: Path, few_photos: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    photos = sorted(few_photos.rglob("*.jpg"))
    (source / "good.jpg").write_bytes(photos[0].read_bytes())
    (source / "gone.jpg").write_bytes(photos[1].read_bytes())

    def progress(step: str) -> None:
        if step == "sample":
            (source / "gone.jpg").unlink(missing_ok=True)

    sample = take_sample(str(source), tmp_path / "sample", count=16, singles=1, progress=progress)
    assert (sample.copied, sample.unreadable, sample.images) == (1, 1, 2)


@pytest.mark.parametrize(
    "path", ["a/b.jpg", "../../etc/passwd", "x" * 400 + ".png", "ü/\udcff.WEBP", "a.cr2"]
)
def test_a_name_takes_nothing_from_a_path_but_its_length_and_a_known_ending(path: str) -> None:
    name = _file_name(7, path, "part1")
    assert re.fullmatch(r"000007-*\.(jpg|png|webp)", name)
    key = len(path.encode(errors="surrogateescape"))
    assert len(f"part1/{name}") == max(
        len(f"part1/000007.{name[-4:].strip('.')}"), min(key, len("part1/") + 204)
    )
