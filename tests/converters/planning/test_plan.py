"""Planning and the working folder."""

import dataclasses
import os
from pathlib import Path

import pytest

from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.planning.plan import make_plan
from fitfeed.converters.planning.size_estimate import expected_bytes
from fitfeed.converters.staging.staging import open_staging
from fitfeed.schemas.storage.local import LocalPlace
from tests.without_beam import convert

JPEG = b"\xff\xd8\xff\xe0rest"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for i in range(300):
        path = tmp_path / "source" / f"class {i % 3}" / f"{i}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(JPEG)
    return tmp_path / "source"


def test_every_file_is_planned_once(source: Path) -> None:
    plan = make_plan(source, ConvertOptions(split={"train": 0.7, "validation": 0.2, "test": 0.1}, shards=3))
    paths = [path for shard in plan.shards for path in shard.paths]
    assert len(paths) == 300
    assert set(paths) == {str(path.relative_to(source)) for path in source.rglob("*.jpg")}
    assert list(plan.job.splits) == ["train", "validation", "test"]
    assert plan.job.splits == {"train": [0, 1, 2], "validation": [3, 4, 5], "test": [6, 7, 8]}
    assert [shard.number for shard in plan.shards] == list(range(9))
    assert plan.shards[4].file == "validation-00001-of-00003.tfrecord"


def test_plan_does_not_depend_on_listing_order(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = make_plan(source, ConvertOptions())
    real = os.scandir

    class Backwards:
        def __init__(self, path: str) -> None:
            self._entries = real(path)

        def __enter__(self):  # type: ignore[no-untyped-def]
            return sorted(self._entries, key=lambda entry: entry.name, reverse=True)

        def __exit__(self, *error: object) -> None:
            self._entries.close()

    monkeypatch.setattr(os, "scandir", Backwards)
    assert make_plan(source, ConvertOptions()) == before


def test_split_stays_put_when_images_are_added(source: Path) -> None:
    options = ConvertOptions(split={"train": 0.8, "validation": 0.2})
    before = {path: shard.split for shard in make_plan(source, options).shards for path in shard.paths}
    for i in range(100):
        (source / "class 1" / f"new{i}.jpg").write_bytes(JPEG)
    after = {path: shard.split for shard in make_plan(source, options).shards for path in shard.paths}
    assert {path: after[path] for path in before} == before


def test_seed_changes_the_order(source: Path) -> None:
    orders = [make_plan(source, ConvertOptions(seed=seed)).shards[0].paths for seed in (0, 1)]
    assert orders[0] != orders[1]


def test_classes_are_sorted(source: Path) -> None:
    assert make_plan(source, ConvertOptions()).job.class_names == ["class 0", "class 1", "class 2"]


def test_shard_size(source: Path) -> None:
    total = 300 * len(JPEG)
    plan = make_plan(source, ConvertOptions(shard_bytes=total // 10))
    assert len(plan.shards) == 10


def test_digests_tell_jobs_apart(source: Path) -> None:
    first = make_plan(source, ConvertOptions())
    assert make_plan(source, ConvertOptions()).job.digest == first.job.digest
    assert make_plan(source, ConvertOptions(quality=80)).job.digest != first.job.digest
    os.utime(source / "class 0" / "0.jpg", (1, 1))
    touched = make_plan(source, ConvertOptions())
    assert touched.job.digest != first.job.digest  # resuming must not trust a file that changed
    assert touched.job.source_digest == first.job.source_digest  # but clocks stay out of the manifest


def test_working_folder_round_trip(source: Path, tmp_path: Path) -> None:
    picture = source / "class 0" / "0.jpg"
    picture.rename(os.fsdecode(os.fsencode(source / "class 0") + b"/\xff\n.jpg"))
    plan = make_plan(source, ConvertOptions(size=(8, 8), split={"train": 0.5, "test": 0.5}), max_bad=0.1)
    with open_staging(LocalPlace(tmp_path / "dataset")) as staging:
        work = staging.prepare(plan, timeout_s=9)
    job = work.read_job()
    assert dataclasses.replace(job, begun="", sources_sha256=None, stamps=[]) == plan.job
    assert [work.read_plan(job, shard.number) for shard in plan.shards] == plan.shards
    assert plan.job.allowed_rejects == 30


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (ConvertOptions(), 1000),
        (ConvertOptions(encoding="raw", size=(10, 10)), 2 * 300),
        (ConvertOptions(encoding="raw", size=(10, 10), channels=1), 2 * 100),
    ],
)
def test_expected_bytes_is_exact_where_it_can_be(options: ConvertOptions, expected: int) -> None:
    assert expected_bytes(2, 1000, options) == expected


def test_expected_bytes_is_near_for_photographs(clothing: Path, tmp_path: Path) -> None:
    photos, options = clothing / "test", ConvertOptions(size=(256, 256))
    plan = make_plan(photos, options)
    conversion = convert(photos, tmp_path / "dataset", options)
    stored = sum(split.bytes for split in conversion.manifest.splits.values())
    expected = expected_bytes(plan.job.files, plan.job.files, options)
    assert 0.5 < stored / expected < 2
