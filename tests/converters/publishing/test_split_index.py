"""The index of a split is its shards' rows, and its description follows from them: read back by pyarrow."""

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.publishing.split_index import file_entry, write_split
from fitfeed.converters.staging.job import Job
from fitfeed.schemas.histogram_json import histogram_from_json
from fitfeed.schemas.index import Index
from fitfeed.schemas.manifest_parts import Extent, Split
from fitfeed.schemas.storage.local import LocalPlace
from tests.converters.handmade import EVERY_KIND, SHARDS, Example, job_of, result_of

IN_ONE_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
Shards = Sequence[Sequence[Example]]


def write(path: Path, shards: Shards, job: Job, before: tuple[Split, Index] | None = None) -> Split:
    first = 0 if before is None else len(before[0].shards)
    results = [
        result_of(job, f"train-{number}.tfrecord", examples)
        for number, examples in enumerate(shards, start=first)
    ]
    split, found = write_split(LocalPlace(path.parent), path.name, results, job, before=before)
    assert (found.name, found.bytes) == (path.name, path.stat().st_size)
    return split


def table_of(path: Path) -> "pa.Table":
    return pa.ipc.open_file(str(path)).read_all()


def extent_of(sides: list[int]) -> Extent | None:
    """The smallest value that so many percent of all do not exceed."""
    if not sides:
        return None
    ranks = (max(1, math.ceil(percent * len(sides) / 100)) for percent in (0, 5, 50, 95, 100))
    low, p5, median, p95, high = (sorted(sides)[rank - 1] for rank in ranks)
    return Extent(min=low, p5=p5, median=median, p95=p95, max=high)


@IN_ONE_FOLDER
@given(SHARDS)
def test_rows_and_description_follow_from_the_examples(tmp_path: Path, shards: list[list[Example]]) -> None:
    path = tmp_path / "train.index.arrow"
    split = write(path, shards, job_of({}))
    examples = [each for shard in shards for each in shard]
    rows = table_of(path).to_pylist()
    assert [row["shard"] for row in rows] == [number for number, shard in enumerate(shards) for _ in shard]
    assert [row["key"] for row in rows] == [
        f"train-{number}.tfrecord/{row}" for number, shard in enumerate(shards) for row in range(len(shard))
    ]
    for row, each in zip(rows, examples, strict=True):
        assert row["path"] == f"{row['key']}.jpg"
        assert row["source"] == 0
        assert row["source_digest"] == hashlib.md5(row["key"].encode(), usedforsecurity=False).digest()
        found = (row["height"], row["width"], row["mean"], row["label"], row["source_format"], row["profile"])
        assert found == each[:6]
    counts = Counter(each.label for each in examples)
    assert split.examples == len(examples)
    assert split.bytes == sum(row["length"] for row in rows)
    assert split.class_counts == [counts[label] for label in range(3)]
    assert split.height == extent_of([each.height for each in examples])
    assert split.width == extent_of([each.width for each in examples])
    pixels: Counter[int] = Counter()
    for each in examples:
        pixels[each.value] += each.height * each.width
    assert split.histogram == [[pixels[value] for value in range(256)]] * 3
    assert [shard.examples for shard in split.shards] == list(map(len, shards))


@IN_ONE_FOLDER
@given(SHARDS, SHARDS)
def test_shards_that_join_are_as_if_written_at_once(tmp_path: Path, before: Shards, added: Shards) -> None:
    job = job_of({}, kinds=EVERY_KIND)
    held = write(tmp_path / "held", before, job)
    joined = write(tmp_path / "joined", added, job, (held, Index(tmp_path / "held", EVERY_KIND)))
    at_once = write(tmp_path / "at_once", [*before, *added], job)
    assert table_of(tmp_path / "joined").equals(table_of(tmp_path / "at_once"))
    assert joined.index.sha256 == at_once.index.sha256
    assert joined == at_once.model_copy(update={"index": joined.index})


def test_labels_of_every_kind(tmp_path: Path) -> None:
    job = job_of({}, kinds=EVERY_KIND)
    split = write(tmp_path / "index", [[Example(label=2), Example(label=0)]], job)
    first, second = table_of(tmp_path / "index").to_pylist()
    assert (first["species"], second["species"]) == (2, 0)
    assert (first["tags"], second["tags"]) == ([0, 1], [])
    assert (first["height_cm"], second["height_cm"]) == (-0.5, -1.0)
    assert (first["petals"], second["petals"]) == (2 - 2**40, -(2**40))
    assert (first["note"], second["note"]) == ("ü\nü\n", "")
    length = len(Example(label=0).labels(EVERY_KIND, job.options)["région"])
    assert (second["région_offset"], second["région_length"]) == (length, length)
    assert len(first["région_source_digest"]) == 16
    assert split.class_counts == [1, 0, 1]  # of the first label that has classes


def test_classes_of_which_an_example_may_have_several(tmp_path: Path) -> None:
    job = job_of({}, kinds={"tags": "multiclass", "species": "class"})
    split = write(tmp_path / "index", [[Example(label=2)], [Example(label=1), Example(label=0)]], job)
    assert split.class_counts == [2, 1, 0]


def test_a_split_without_classes_counts_none(tmp_path: Path) -> None:
    assert write(tmp_path / "index", [[Example()]], job_of({}, kinds={"petals": "int"})).class_counts == []


def test_a_split_of_no_shards(tmp_path: Path) -> None:
    split = write(tmp_path / "index", [], job_of({}))
    assert (split.examples, split.bytes, split.shards) == (0, 0, [])
    assert (split.height, split.width, split.class_counts) == (None, None, [0, 0, 0])
    assert table_of(tmp_path / "index").num_rows == 0


@pytest.mark.parametrize("channels", [1, 3])
def test_the_histogram_of_16_bits(tmp_path: Path, channels: int) -> None:
    options = ConvertOptions(depth=16, channels=channels)  # type: ignore[arg-type]
    job = job_of({}, options)
    held = write(tmp_path / "held", [[Example(value=65_535)]], job)
    before = (held, Index(tmp_path / "held"))
    split = write(tmp_path / "index", [[Example(value=256), Example(5, 5, 65_535)]], job, before)
    expected = np.zeros((channels, 65_536), np.int64)
    expected[:, 256], expected[:, 65_535] = 6, 6 + 25
    np.testing.assert_array_equal(histogram_from_json(split.histogram, 16), expected)


def test_the_entry_of_a_file_is_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"content")
    entry = file_entry(tmp_path / "a.bin", "a.bin")
    assert (entry.file, entry.bytes) == ("a.bin", 7)
    assert entry.sha256 == hashlib.sha256(b"content").hexdigest()
    split = write(tmp_path / "index", [[Example()]], job_of({}))
    assert split.index == file_entry(tmp_path / "index", "index")


def test_an_index_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        write(tmp_path / "file" / "index", [[Example()]], job_of({}))
