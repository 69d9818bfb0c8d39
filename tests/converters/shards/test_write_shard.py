"""One shard after its plan: what it holds and what is said of it, against Pillow, NumPy and h5py."""

import dataclasses
import errno
import itertools
import struct
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import google_crc32c
import h5py
import numpy as np
import pytest
from PIL import Image
from xxhash import xxh3_128_digest

from fitfeed.converters.planning.plan import make_plan
from fitfeed.converters.shards import write_shard as module
from fitfeed.converters.shards.write_shard import write_shard
from fitfeed.converters.staging.folder import WorkFolder
from fitfeed.converters.staging.job import Job, ShardPlan
from fitfeed.converters.staging.quarantine import Quarantine
from fitfeed.converters.staging.results import ShardResult, ShardTotals
from fitfeed.schemas.errors import ConversionError
from fitfeed.schemas.histogram_json import histogram_from_json
from fitfeed.schemas.storage.local import LocalPlace
from tests.converters.handmade import job_of, roots_of
from tests.folders import path_of
from tests.labelled import SPECIES, TAGS, Flower, make_source, options

LUMA = np.array([19_595, 38_470, 7_471]) / 65_536


class Conversion:
    """The first shard of a source with a label of every kind, and its source, which tests may change."""

    def __init__(self, folder: Path, layout: str) -> None:
        self.source = folder / "source"
        self.source.mkdir()
        self.flowers = {flower.path: flower for flower in make_source(self.source)}
        whole = make_plan(self.source / "labels.csv", options(layout))
        self.work = WorkFolder(LocalPlace(folder / "dataset"), "job")
        self.job: Job = dataclasses.replace(whole.job, begun=self.work.begin())
        self.plan_anew(whole.shards[0])

    def plan_anew(self, plan: ShardPlan) -> None:
        """Writes the plan of the shard, as planning does."""
        self.plan = plan
        self.job = dataclasses.replace(self.job, stamps=[self.work.write_plan(plan, self.job.begun)])

    @property
    def planned(self) -> list[Flower]:
        """What is true of the pictures of the shard, in its order."""
        return [self.flowers[path] for path in self.plan.paths]

    @property
    def path(self) -> Path:
        return path_of(self.work.shards) / self.plan.file

    @property
    def result(self) -> ShardResult:
        result = self.work.read_result(self.job, self.plan.number)
        assert result is not None
        return result

    def write(self, **watched: Callable[[int | None], None]) -> ShardTotals:
        return write_shard(self.work, self.job, self.plan.number, lambda size, bad: None, **watched)

    def rejects(self) -> dict[str, tuple[str, str]]:
        return {reject.path: (reject.reason, reject.detail) for reject in self.result.rejects}


@pytest.fixture
def keeping(tmp_path: Path) -> Conversion:
    """Stores files as they are."""
    return Conversion(tmp_path, "tfrecord")


def test_the_payloads_are_the_files_and_the_rows_say_where(keeping: Conversion) -> None:
    totals = keeping.write()
    content, rows = keeping.path.read_bytes(), keeping.result.rows
    assert rows.key == rows.path == keeping.plan.paths
    assert totals == ShardTotals(
        number=0, planned=9, examples=9, bytes=len(content), rejects={}, reused=False
    )
    for row, flower in enumerate(keeping.planned):
        file = (keeping.source / flower.path).read_bytes()
        offset, length, crc32c = rows.place(row)
        assert content[offset : offset + length] == file
        assert crc32c == google_crc32c.value(file)
        assert rows.by_name()["source_digest"][row] == xxh3_128_digest(file)
        assert rows.source_bytes[row] == len(file)
        mask = (keeping.source / flower.labels["région"]).read_bytes()
        assert rows.by_name()["région_source_digest"][row] == xxh3_128_digest(mask)
        offset, length, crc32c = rows.place(row, mask="région")
        assert google_crc32c.value(content[offset : offset + length]) == crc32c


def test_h5py_reads_what_pillow_has_read(tmp_path: Path) -> None:
    conversion = Conversion(tmp_path, "raw_hdf5")
    conversion.write()
    rows = conversion.result.rows
    with h5py.File(conversion.path) as file:
        for row, flower in enumerate(conversion.planned):
            assert file["species"][row] == SPECIES.index(flower.labels["species"])
            assert file["height_cm"][row] == flower.labels["height_cm"]
            assert file["petals"][row] == flower.labels["petals"]
            assert file["image"][row].shape == (8, 8, 3)
        for name in ("note", "tags"):
            values = [file[name][start:stop] for start, stop in itertools.pairwise(file[f"{name}_offset"][:])]
            if name == "note":
                texts = [value.tobytes().decode() for value in values]
                assert texts == [flower.labels["note"] for flower in conversion.planned]
            else:
                names = [[TAGS[number] for number in value] for value in values]
                assert names == [flower.labels["tags"] for flower in conversion.planned]
        counted = [[np.bincount(file["image"][..., c].ravel(), minlength=256)] for c in range(3)]
        histogram = histogram_from_json(conversion.result.histogram, 8)
        np.testing.assert_array_equal(histogram, np.concatenate(counted))
        masks = np.bincount(file["région"][:].ravel(), minlength=256)
        assert conversion.result.mask_values == {"région": masks.tolist()}
        values = file["image"][:].reshape(9, -1, 3).astype(np.float64) * 256
    np.testing.assert_allclose(rows.mean, (values @ LUMA).mean(axis=1), atol=0.501)
    np.testing.assert_allclose(rows.deviation, np.sqrt(values.var(axis=1) @ LUMA), atol=0.501)


def test_facts_are_of_the_file(keeping: Conversion) -> None:
    keeping.write()
    rows, hashes = keeping.result.rows, keeping.result.image_hashes
    for row, flower in enumerate(keeping.planned):
        with Image.open(keeping.source / flower.path) as image:
            pixels = np.asarray(image)
        size = pixels.shape[:2]
        assert (rows.height[row], rows.width[row]) == size
        assert (rows.source_height[row], rows.source_width[row]) == size
        assert (rows.source_format[row], rows.profile[row]) == ("PNG", None)
        assert (rows.orientation[row], rows.source_depth[row]) == (1, 8)
        digest = xxh3_128_digest(struct.pack("<3I", *pixels.shape) + pixels.tobytes())
        assert hashes.digests[row].tobytes() == digest


def test_each_bad_file_costs_one_example(keeping: Conversion) -> None:
    gone, broken, no_mask, other_size, colored, *whole = keeping.planned
    (keeping.source / gone.path).unlink()
    plan = keeping.plan
    data = (keeping.source / broken.path).read_bytes()
    (keeping.source / broken.path).write_bytes(bytes(len(data)))
    (keeping.source / no_mask.labels["région"]).unlink()
    Image.new("L", (3, 3)).save(keeping.source / other_size.labels["région"])
    Image.new("RGB", (3, 3)).save(keeping.source / colored.labels["région"])
    status = {
        flower.labels["région"]: (keeping.source / flower.labels["région"]).stat()
        for flower in (other_size, colored)
    }
    masks = [
        [path, status[path].st_size, status[path].st_mtime_ns] if path in status else [path, size, time]
        for path, size, time in plan.labels["région"]
    ]
    times = list(plan.mtimes_ns)
    times[1] = (keeping.source / broken.path).stat().st_mtime_ns
    labels = {**plan.labels, "région": masks}
    keeping.plan_anew(dataclasses.replace(plan, labels=labels, mtimes_ns=times))
    progress: list[tuple[int, bool]] = []
    totals = write_shard(keeping.work, keeping.job, 0, lambda size, is_bad: progress.append((size, is_bad)))
    found = keeping.rejects()
    assert {path: reason for path, (reason, _) in found.items()} == {
        gone.path: "vanished",
        broken.path: "not_an_image",
        no_mask.path: "mask_missing",
        other_size.path: "mask_mismatch",
        colored.path: "label_invalid",
    }
    for flower in (no_mask, other_size, colored):
        assert found[flower.path][1].startswith(f"its région, {flower.labels['région']}: ")
    assert keeping.result.rows.key == [flower.path for flower in whole]
    assert totals.rejects == Counter(reason for reason, _ in found.values())
    assert (totals.planned, totals.examples) == (9, 4)
    sizes = [(keeping.source / flower.path).stat().st_size for flower in whole]
    assert progress == [(0, True)] * 5 + [(size, False) for size in sizes]


def test_a_shard_of_bad_files_is_whole_and_empty(keeping: Conversion) -> None:
    for flower in keeping.planned:
        (keeping.source / flower.path).unlink()
    totals = keeping.write()
    assert (totals.examples, totals.bytes, totals.rejects) == (0, 0, {"vanished": 9})
    assert keeping.path.read_bytes() == b""
    assert keeping.result.image_hashes.digests.shape == (0, 2)
    assert not any(keeping.result.rows.by_name().values())
    assert "région_offset" in keeping.result.rows.by_name()


def test_it_says_which_image_is_decoded(keeping: Conversion) -> None:
    (keeping.source / keeping.planned[2].path).unlink()  # so it is never decoded
    seen: list[int | None] = []
    keeping.write(watch=seen.append)
    assert seen == [entry for place in range(9) for entry in ([None] if place == 2 else [place, None])]


def test_a_quarantined_image_is_not_decoded(keeping: Conversion) -> None:
    found = Quarantine(reason="timeout", detail="took too long", limit_s=9)
    keeping.work.quarantine(keeping.job, 0, 4, found)
    seen: list[int | None] = []
    keeping.write(watch=seen.append)
    assert 4 not in seen
    assert keeping.rejects() == {keeping.plan.paths[4]: ("timeout", "took too long")}


def test_written_twice_it_is_the_same(keeping: Conversion) -> None:
    keeping.write()
    first, result = keeping.path.read_bytes(), keeping.result
    (path_of(keeping.work.root) / "results" / "00000.json").unlink()
    assert not keeping.write().reused
    assert keeping.path.read_bytes() == first
    assert dataclasses.replace(keeping.result, identity=result.identity).to_json() == result.to_json()


def test_a_finished_shard_is_not_written_again(keeping: Conversion) -> None:
    totals = keeping.write()

    def never(*_: Any) -> None:
        raise AssertionError

    again = write_shard(keeping.work, keeping.job, 0, never, watch=never)
    assert again == dataclasses.replace(totals, reused=True)
    keeping.path.rename(
        path_of(keeping.work.dataset) / keeping.plan.file
    )  # by a publication that was interrupted
    assert keeping.write().reused


@pytest.mark.parametrize("change", ["plan", "missing", "shorter", "folder", "touched"])
def test_a_shard_that_is_not_the_finished_one_is_written(keeping: Conversion, change: str) -> None:
    keeping.write()
    whole = keeping.path.read_bytes()
    if change == "plan":
        keeping.plan_anew(dataclasses.replace(keeping.plan, digest="another"))
    elif change == "shorter":
        keeping.path.write_bytes(whole[:-1])
    elif change == "touched":
        keeping.path.write_bytes(whole[:-1] + b"?")
    else:
        keeping.path.unlink()
    if change == "folder":
        (path_of(keeping.work.dataset) / keeping.plan.file).mkdir()
    assert not keeping.write().reused
    assert keeping.path.read_bytes() == whole


def test_paths_that_are_not_text_are_written_as_text(tmp_path: Path) -> None:
    name = "a\udcff.png"
    Image.new("RGB", (2, 2)).save(tmp_path / name, "PNG")
    status = (tmp_path / name).stat()
    work = WorkFolder(LocalPlace(tmp_path / "dataset"), "job")
    begun = work.begin()
    plan = ShardPlan(
        number=0,
        split="train",
        file="train-00000-of-00001.tfrecord",
        paths=[name, "missing\udcff.png"],
        keys=["a", "missing\\xff.png"],
        labels={"label": [0, 0]},
        bytes=[status.st_size, 1],
        mtimes_ns=[status.st_mtime_ns, 1],
        digest="plan",
    )
    stamps = [work.write_plan(plan, begun)]
    job = job_of({"train": [0]}, sources=roots_of(str(tmp_path)), begun=begun, stamps=stamps)
    write_shard(work, job, 0, lambda size, bad: None)
    result = work.read_result(job, 0)
    assert result is not None
    assert (result.rows.key, result.rows.path) == (["a"], ["a\\xff.png"])
    assert [reject.path for reject in result.rejects] == ["missing\\xff.png"]


def test_out_of_memory(keeping: Conversion, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(module, "decode_source", fail)
    with pytest.raises(ConversionError, match=r"out of memory while converting .*fewer --workers.*continues"):
        keeping.write()
    assert list(path_of(keeping.work.shards).iterdir()) == []
    monkeypatch.setattr(module, "memory_is_limited", lambda: True)  # then the image is what takes so much
    assert keeping.write().rejects == {"bomb": 9}
    assert keeping.rejects()[keeping.plan.paths[0]][1].startswith("decoding it takes more than 6")


def test_a_disk_that_is_full(keeping: Conversion, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", refuse)
        with pytest.raises(ConversionError, match=r"cannot write to .*: No space left on device\. Nothing"):
            keeping.write()
    assert list(path_of(keeping.work.shards).iterdir()) == []  # nor a temporary file
    assert keeping.work.read_result(keeping.job, 0) is None
    assert not keeping.write().reused
