"""What is found in a staging area counts only where this run planned the same, and an earlier run wrote it in this place."""

import json
import os
import random
import shutil
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fitfeed.beam_jobs.progress import NoProgress
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.planning.plan import make_plan
from fitfeed.converters.shards.write_shard import write_shard
from fitfeed.converters.staging import result_check
from fitfeed.converters.staging.folder import BEGUN_NAME, WorkFolder, sha256_line
from fitfeed.converters.staging.job import ShardPlan
from fitfeed.converters.staging.staging import open_staging
from fitfeed.schemas.errors import ConversionError
from fitfeed.schemas.index import Index
from fitfeed.schemas.side_tables import SOURCES_NAME
from fitfeed.schemas.storage.local import LocalPlace
from fitfeed.schemas.storage.place import Place
from tests.folders import contents, job_folder, path_of
from tests.without_beam import convert

OPTIONS = ConvertOptions(encoding="png", shards=2)
DAY = 86_400 * 10**9
JSON = dict[str, Any]


def pictures(folder: Path, *, seed: int) -> Path:
    """Pictures of the same names, sizes and times for every seed. Only their pixels differ."""
    generator = np.random.default_rng(seed)
    for name in range(6):
        path = folder / f"class {name % 2}" / f"{name}.bmp"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (9, 7, 3), np.uint8)).save(path)
        os.utime(path, ns=(DAY, DAY))
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return pictures(tmp_path / "source", seed=0)


@pytest.fixture
def reference(source: Path, tmp_path: Path) -> dict[str, bytes]:
    """What a conversion of the source makes where nothing was before."""
    convert(source, tmp_path / "reference", OPTIONS)
    return contents(tmp_path / "reference")


def leave_unfinished(source: Path, dataset: Path) -> WorkFolder:
    """Writes all shards, and ends before publication."""
    plan = make_plan(source, OPTIONS)
    with open_staging(LocalPlace(dataset)) as staging:
        work = staging.prepare(plan, timeout_s=9)
    job = work.read_job()
    for number in range(job.shards):
        write_shard(work, job, number, lambda *_: None)
    return work


class Notices(NoProgress):
    """Keeps what the user is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def notify(self, line: str) -> None:
        self.lines.append(line)


def change_json(path: Path, change: Callable[[JSON], object]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def change_result(path: Path, change: Callable[[JSON], object]) -> None:
    """Changes a result, and makes its checksum right again."""
    content = json.loads(path.read_bytes().partition(b"\n")[2])
    change(content)
    changed = json.dumps(content).encode()
    path.write_bytes(sha256_line(changed) + changed)


def test_an_unfinished_conversion_is_continued_wherever_its_folder_is_moved(
    source: Path, tmp_path: Path, reference: dict[str, bytes]
) -> None:
    leave_unfinished(source, tmp_path / "dataset")
    (tmp_path / "dataset").rename(tmp_path / "moved")
    notices = Notices()
    assert convert(source, tmp_path / "moved", OPTIONS, progress=notices).reused_shards == 2
    assert notices.lines == []
    assert contents(tmp_path / "moved") == reference


def test_other_pictures_under_right_digests_do_not_get_in(
    source: Path, tmp_path: Path, reference: dict[str, bytes]
) -> None:
    strange = leave_unfinished(pictures(tmp_path / "strange", seed=1), tmp_path / "theirs")
    dataset = tmp_path / "dataset"
    shutil.copytree(path_of(strange.dataset), dataset)  # as tar and unzip do, with all times that can be set
    # The digest of a job has the folder of its source in it, but whoever makes the folder of a job can guess it.
    root = path_of(job_folder(dataset).root)
    root.rename(root.with_name(make_plan(source, OPTIONS).job.digest))
    notices = Notices()
    conversion = convert(source, dataset, OPTIONS, progress=notices)
    assert conversion.reused_shards == 0
    assert contents(dataset) == reference
    (line,) = notices.lines
    assert "begins anew" in line
    assert "\n" not in line


@pytest.mark.parametrize("parts", [("results", "shards", "quarantine"), ("",)])
def test_an_archive_that_is_unpacked_over_an_unfinished_conversion(
    source: Path, tmp_path: Path, reference: dict[str, bytes], parts: tuple[str, ...]
) -> None:
    strange = leave_unfinished(pictures(tmp_path / "strange", seed=1), tmp_path / "theirs")
    work = leave_unfinished(source, tmp_path / "dataset")
    for part in parts:
        shutil.copytree(path_of(strange.root) / part, path_of(work.root) / part, dirs_exist_ok=True)
    assert convert(source, path_of(work.dataset), OPTIONS).reused_shards == 0
    assert contents(path_of(work.dataset)) == reference


@pytest.mark.parametrize("copied", [False, True])
def test_a_plan_that_leads_out_of_both_folders(
    source: Path, tmp_path: Path, reference: dict[str, bytes], copied: bool
) -> None:
    private = pictures(tmp_path / "private", seed=2) / "class 0" / "0.bmp"
    work = leave_unfinished(source, tmp_path / "theirs")
    for path in (*path_of(work.root).glob("results/*"), *path_of(work.shards).iterdir()):
        path.unlink()

    def plant(plan: JSON) -> None:
        plan["file"] = f"../../../escaped-{plan['number']}.tfrecord"
        plan["paths"] = [f"../private/class 0/{private.name}", *plan["paths"][1:]]

    for number in range(2):
        change_json(path_of(work.root) / "plans" / f"{number:05d}.json", plant)
    if copied:
        shutil.copytree(path_of(work.dataset), tmp_path / "dataset")
    else:
        path_of(work.dataset).rename(tmp_path / "dataset")
    before = {path.name for path in tmp_path.iterdir()}
    convert(source, tmp_path / "dataset", OPTIONS)
    assert contents(tmp_path / "dataset") == reference
    assert {path.name for path in tmp_path.iterdir()} == before


def test_a_worker_writes_nothing_by_a_plan_that_was_changed(source: Path, tmp_path: Path) -> None:
    work = leave_unfinished(source, tmp_path / "dataset")
    job = work.read_job()
    (path_of(work.root) / "results" / "00001.json").unlink()
    change_json(
        path_of(work.root) / "plans" / "00001.json", lambda plan: plan.update(paths=plan["paths"][::-1])
    )
    before = contents(tmp_path)
    with pytest.raises(ConversionError, match=r"plans/00001\.json is not what this launch has written"):
        write_shard(work, job, 1, lambda *_: None)
    change_json(
        path_of(work.root) / "job.json", lambda content: content["sources"][0].update(folder=str(tmp_path))
    )
    with pytest.raises(ConversionError, match=r"job\.json is not what this launch has written"):
        work.read_job()
    (path_of(work.root) / "job.json").write_bytes(
        before[str((path_of(work.root) / "job.json").relative_to(tmp_path))]
    )
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    "file",
    ["../x-00000-of-00001.tfrecord", "/x-00000-of-00001.h5", "train-0-of-1.h5", "a/b-00000-of-00001.h5", ""],
)
def test_a_shard_is_called_as_shards_are(file: str) -> None:
    with pytest.raises(ValueError, match="a shard is called like"):
        ShardPlan(
            number=0, split="x", file=file, paths=[], keys=[], labels={}, bytes=[], mtimes_ns=[], digest=""
        )


def swap_first_two(columns: JSON, name: str) -> None:
    columns[name][:2] = columns[name][1::-1]


CHANGES: dict[str, Callable[[JSON], object]] = {
    "not JSON of a result": lambda result: result.clear(),
    "another name": lambda result: result["shard"].update(file="../x"),
    "the name of another shard": lambda result: result["shard"].update(file="train-00001-of-00002.tfrecord"),
    "fewer examples": lambda result: result["shard"].update(examples=2),
    "other keys": lambda result: swap_first_two(result["rows"], "key"),
    "other paths": lambda result: swap_first_two(result["rows"], "path"),
    "keys that are no text": lambda result: result["rows"].update(key=[1, 2, 3]),
    "other labels": lambda result: result["rows"]["labels"].update(label=[7, 7, 7]),
    "no labels": lambda result: result["rows"]["labels"].clear(),
    "other sizes": lambda result: result["rows"].update(source_bytes=[1, 2, 3]),
    "numbers that are too large": lambda result: result["rows"].update(mean=[1 << 20] * 3),
    "a short column": lambda result: result["rows"]["crc32c"].pop(),
    "short digests": lambda result: result["rows"]["digests"].update(source_digest=""),
    "short hashes": lambda result: result["image_hashes"].update(digests=""),
    "a reject of no file": lambda result: result["rejects"].append(
        {"path": "z", "reason": "corrupt", "detail": "", "handling": "rejected"}
    ),
    "a reject without a reason": lambda result: result["rejects"].append({"path": "z"}),
    "no histogram": lambda result: result.update(histogram=[[-1]]),
    "values of no mask": lambda result: result.update(mask_values={"x": [1]}),
}


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_result_that_the_plan_cannot_have_is_made_again(
    source: Path, tmp_path: Path, reference: dict[str, bytes], change: Callable[[JSON], object]
) -> None:
    work = leave_unfinished(source, tmp_path / "dataset")
    change_result(path_of(work.root) / "results" / "00000.json", change)
    assert convert(source, path_of(work.dataset), OPTIONS).reused_shards == 1
    assert contents(path_of(work.dataset)) == reference


def test_a_result_that_a_disk_has_damaged_is_made_again(
    source: Path, tmp_path: Path, reference: dict[str, bytes]
) -> None:
    work = leave_unfinished(source, tmp_path / "dataset")
    path = path_of(work.root) / "results" / "00000.json"
    line, end, content = path.read_bytes().partition(b"\n")
    result = json.loads(content)
    result["histogram"].pop()
    path.write_bytes(line + end + json.dumps(result).encode())
    assert convert(source, path_of(work.dataset), OPTIONS).reused_shards == 1
    assert contents(path_of(work.dataset)) == reference


def test_a_shard_with_other_bytes_is_written_again(
    source: Path, tmp_path: Path, reference: dict[str, bytes]
) -> None:
    work = leave_unfinished(source, tmp_path / "dataset")
    one, other = sorted(path_of(work.shards).iterdir())
    content = bytearray(one.read_bytes())
    content[len(content) // 2] ^= 1
    one.write_bytes(content)
    other.write_bytes(other.read_bytes())  # the same bytes, at another time
    assert convert(source, path_of(work.dataset), OPTIONS).reused_shards == 1
    assert contents(path_of(work.dataset)) == reference


def test_a_shard_is_not_read_while_nothing_has_touched_it(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = leave_unfinished(source, tmp_path / "dataset")
    read = noting_reads(monkeypatch)
    convert(source, path_of(work.dataset), OPTIONS)
    assert read == []


def test_a_shard_that_was_moved_already_is_read_once(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the beginning of the next launch, and not again when that publishes."""
    work = leave_unfinished(source, tmp_path / "dataset")
    names = sorted(shard.name for shard in path_of(work.shards).iterdir())
    for name in names:
        (path_of(work.shards) / name).rename(path_of(work.dataset) / name)
    read = noting_reads(monkeypatch)
    assert convert(source, path_of(work.dataset), OPTIONS).reused_shards == len(names)
    assert sorted(read) == names


def noting_reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the shards that are read to compare them, from now on."""
    names: list[str] = []
    original = result_check._sha256

    def noted(place: Place, name: str) -> str:
        names.append(name)
        return original(place, name)

    monkeypatch.setattr(result_check, "_sha256", noted)
    return names


def test_a_shard_that_is_a_link_is_not_taken(
    source: Path, tmp_path: Path, reference: dict[str, bytes]
) -> None:
    work = leave_unfinished(source, tmp_path / "dataset")
    for shard in list(path_of(work.shards).iterdir()):  # as if publication had moved them already
        shard.rename(tmp_path / shard.name)
        (path_of(work.dataset) / shard.name).symlink_to(tmp_path / shard.name)
    assert convert(source, path_of(work.dataset), OPTIONS).reused_shards == 0
    assert contents(path_of(work.dataset)) == reference
    assert not any(path.is_symlink() for path in path_of(work.dataset).iterdir())


def test_a_table_of_sources_of_others_is_not_published(
    source: Path, tmp_path: Path, reference: dict[str, bytes]
) -> None:
    work = leave_unfinished(source, tmp_path / "dataset")
    (path_of(work.root) / SOURCES_NAME).write_bytes(b"nothing has changed, believe me")
    assert convert(source, path_of(work.dataset), OPTIONS).reused_shards == 2
    assert contents(path_of(work.dataset)) == reference
    assert not (path_of(work.dataset) / SOURCES_NAME).exists()


@pytest.mark.parametrize("seed", range(30))
def test_whatever_is_changed_anywhere_the_dataset_is_the_same(
    source: Path, tmp_path: Path, reference: dict[str, bytes], seed: int
) -> None:
    chance = random.Random(seed)
    work = leave_unfinished(source, tmp_path / "dataset")
    path = chance.choice(sorted(path for path in path_of(work.root).rglob("*") if path.is_file()))
    content = bytearray(path.read_bytes())
    at = chance.randrange(len(content) + 1)
    match chance.randrange(4):
        case 0:
            content[at : at + 1] = bytes([chance.randrange(256)])
        case 1:
            del content[at:]
        case 2:
            content[at:at] = chance.randbytes(3)
        case _:
            content = bytearray(chance.choice([b"", b"[]", b"{}", b"null", b"9" * 5000, b"[" * 100_000]))
    path.write_bytes(content)
    convert(source, path_of(work.dataset), OPTIONS)
    assert contents(path_of(work.dataset)) == reference


@pytest.mark.parametrize("stamp", ["0" * 64, None])
def test_a_quarantine_of_others_rejects_nothing(
    source: Path, tmp_path: Path, reference: dict[str, bytes], stamp: str | None
) -> None:
    work = leave_unfinished(source, tmp_path / "dataset")
    (path_of(work.root) / "results" / "00000.json").unlink()
    entries = {"0": {"reason": "timeout", "detail": "call 0900", "limit_s": None}}
    if stamp is None:  # ours, but not what this version writes
        stamp, entries["0"]["reason"] = work.read_job().stamps[0], "mine"
    (path_of(work.root) / "quarantine" / "00000.json").write_text(
        json.dumps({"stamp": stamp, "entries": entries})
    )
    convert(source, path_of(work.dataset), OPTIONS)
    assert contents(path_of(work.dataset)) == reference


def test_a_file_system_without_change_times_continues_nothing(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = leave_unfinished(source, tmp_path / "dataset")
    earlier = work.find_earlier()
    assert earlier is not None
    begun = work.read_job().begun
    assert earlier.begun == begun
    lstat = Path.lstat

    def same_times(path: Path) -> Any:
        if path.name == BEGUN_NAME:
            return types.SimpleNamespace(st_ctime_ns=begun, st_mtime_ns=begun)
        return lstat(path)

    monkeypatch.setattr(Path, "lstat", same_times)
    assert work.find_earlier() is None


def test_pictures_of_two_conversions_do_differ(tmp_path: Path) -> None:
    """Otherwise the tests above would show nothing."""
    digests = []
    for seed in range(2):
        dataset = tmp_path / f"dataset {seed}"
        convert(pictures(tmp_path / f"source {seed}", seed=seed), dataset, OPTIONS)
        digests.append(Index(dataset / "train.index.arrow").pixel_digest.tobytes())
    assert digests[0] != digests[1]
