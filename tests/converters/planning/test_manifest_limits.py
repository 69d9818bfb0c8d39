"""A manifest that no reader would accept is refused before an image is read."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.planning import plan
from fitfeed.converters.planning.manifest_limits import check_capacity
from fitfeed.converters.planning.plan import make_plan
from fitfeed.schemas.bit_depth import Depth, levels_of
from fitfeed.schemas.errors import UsageError
from fitfeed.schemas.histogram_json import histogram_to_json
from fitfeed.schemas.manifest import MANIFEST_NAME, MAX_MANIFEST_BYTES, build_manifest, read_manifest
from fitfeed.schemas.manifest_parts import Statistics
from fitfeed.schemas.sharding import shard_file_name
from fitfeed.schemas.statistics import ChannelStatistics


def fits(shards: int, class_names: list[str], splits: int, depth: Depth = 8) -> bool:
    files = {
        f"split{number}": [
            shard_file_name(f"split{number}", shard, shards, "tfrecord") for shard in range(shards)
        ]
        for number in range(splits)
    }
    try:
        check_capacity(files, class_names, depth=depth)
    except UsageError:
        return False
    return True


def largest(fit: "Any", most: int) -> int:
    """The largest number up to `most` that fits, by bisection."""
    low, high = 1, most
    assert fit(low)
    assert not fit(high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fit(middle) else (low, middle)
    return low


def published(folder: Path, shards: int, class_names: list[str], splits: int, depth: Depth = 8) -> int:
    """Writes a manifest with the longest numbers, has it read, and returns its size."""
    big = 10**11  # bytes of a shard
    counts = [0] * len(class_names)
    exact = ChannelStatistics(np.full((3, levels_of(depth)), 10**10 - 1))  # of every value
    entries = {}
    for number in range(splits):
        name = f"split{number}"
        entries[name] = {
            "examples": shards,
            "bytes": big * shards,
            "class_counts": [shards, *counts[1:]],
            "height": None,
            "width": None,
            "index": {"file": f"{name}.index.arrow", "bytes": big, "sha256": "0" * 64},
            "shards": [
                {
                    "file": shard_file_name(name, shard, shards, "tfrecord"),
                    "bytes": big,
                    "sha256": "0" * 64,
                    "examples": 1,
                }
                for shard in range(shards)
            ],
            "histogram": histogram_to_json(exact.histogram),
        }
    manifest = build_manifest(
        format="tfrecord",
        features={
            "image": {"shape": (None, None, 3), "encoding": "keep", "dtype": f"uint{depth}"},
            "label": {"kind": "class", "class_names": class_names},
        },
        splits=entries,
        statistics=Statistics.of(exact, split="split0", images=shards),
        rejects={},
        ignored=0,
        profiles={},
        depths={depth: shards * splits},
        largest_value=(1 << 16) - 1 if depth == 16 else None,
        duplicates={"within": 0, "label_conflicts": 0, "across_splits": 0, "dropped": 0},
        rejects_file={"file": "rejects.jsonl", "bytes": 0, "sha256": "0" * 64},
        options=ConvertOptions(size=(8, 8), split={f"split{n}": 1 / splits for n in range(splits)}).to_json(),
        sources=[{"name": "a", "kind": "folder", "uri": None}],
        source={"files": shards, "digest": "0" * 64},
    )
    (folder / MANIFEST_NAME).write_text(manifest.to_json())
    assert read_manifest(folder) == manifest
    return (folder / MANIFEST_NAME).stat().st_size


@pytest.mark.slow
def test_as_many_shards_as_it_allows_can_be_read(tmp_path: Path) -> None:
    most = largest(lambda shards: fits(shards, ["a", "b"], 2), 10**6)
    assert published(tmp_path, most, ["a", "b"], 2) > 0.8 * MAX_MANIFEST_BYTES  # and few more could be


@pytest.mark.slow
def test_as_many_shards_of_16_bits_as_it_allows_can_be_read(tmp_path: Path) -> None:
    most = largest(lambda shards: fits(shards, ["a", "b"], 2, depth=16), 10**6)
    assert published(tmp_path, most, ["a", "b"], 2, depth=16) > 0.8 * MAX_MANIFEST_BYTES


@pytest.mark.slow
def test_as_many_classes_as_it_allows_can_be_read(tmp_path: Path) -> None:
    names = [f'n{number:08d} ä, "b" [c' for number in range(10**6)]
    most = largest(lambda classes: fits(1, names[:classes], 3), 10**6)
    assert most > 50_000
    published(tmp_path, 1, names[:most], 3)


@pytest.mark.slow
def test_messages_say_what_to_change() -> None:
    files = {"train": [shard_file_name("train", shard, 100_000, "h5") for shard in range(100_000)]}
    with pytest.raises(
        UsageError, match=r"100,000 shards, and a manifest can list [67]\d,\d{3}.*--shard-size"
    ):
        check_capacity(files, ["a"])
    with pytest.raises(UsageError, match=r"histograms of 9 splits with 16 bits.*--depth 8"):
        check_capacity({f"fold{number}": ["a.h5"] for number in range(9)}, ["a"], depth=16)
    with pytest.raises(UsageError, match=r"700,000 classes.*--class-from"):
        check_capacity({"train": ["train-00000-of-00001.h5"]}, list(map(str, range(700_000))))


def test_a_plan_is_checked_with_the_shards_that_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "source" / "a").mkdir(parents=True)
    for number in range(3):
        (tmp_path / "source" / "a" / f"{number}.jpg").write_bytes(b"\xff\xd8\xff")
    seen: list[Any] = []
    monkeypatch.setattr(
        plan, "check_capacity", lambda files, classes, **_: seen.append((dict(files), classes))
    )
    make_plan(tmp_path / "source", ConvertOptions(shards=2))
    names = ["train-00000-of-00002.tfrecord", "train-00001-of-00002.tfrecord"]
    assert seen == [({"train": names}, ["a"])]
