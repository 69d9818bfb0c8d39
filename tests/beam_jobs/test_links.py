"""Links in a source that somebody else has packed: nothing private gets into a dataset unsaid, and nothing stops the run."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fitfeed.beam_jobs import plan_conversion
from fitfeed.cli import main
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.verify import verify_dataset
from fitfeed.schemas.errors import TooManyRejectsError, UsageError
from fitfeed.schemas.index import Index
from fitfeed.schemas.manifest import read_manifest
from tests.faults import ROOT
from tests.folders import contents
from tests.without_beam import convert, without_beam

Run = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def private(few_photos: Path, tmp_path: Path) -> Path:
    """A picture that its owner did not mean to publish, and a mask of its size."""
    folder = tmp_path / "home" / "private"
    folder.mkdir(parents=True)
    shutil.copyfile(sorted((few_photos / "pants").iterdir())[0], folder / "0.jpg")
    with Image.open(folder / "0.jpg") as image:
        Image.new("L", image.size, 1).save(folder / "mask.png")
    return folder


@pytest.fixture
def source(few_photos: Path, tmp_path: Path) -> Path:
    """What was unpacked: three photographs of dresses."""
    (tmp_path / "source" / "dress").mkdir(parents=True)
    for path in sorted((few_photos / "dress").iterdir())[:3]:
        shutil.copyfile(path, tmp_path / "source" / "dress" / path.name)
    return tmp_path / "source"


@pytest.fixture
def run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    """`fitfeed convert` into `dataset`: exit status, its document or its text, its messages."""

    def call(source: Path, *arguments: str) -> tuple[int, Any, str]:
        with without_beam():
            status = main(["convert", str(source), str(tmp_path / "dataset"), *arguments])
        said = capfd.readouterr()
        return status, json.loads(said.out) if "--json" in arguments and said.out else said.out, said.err

    return call


def keys(dataset: Path) -> set[str]:
    found: set[str] = set()
    manifest = read_manifest(dataset)
    for split in manifest.splits.values():
        index = Index(dataset / split.index.file, manifest.features.label_kinds)
        found.update(index.columns()["key"].to_pylist())
    return found


def link_folder(source: Path, private: Path) -> Path:
    (source / "dress" / "l").symlink_to(private)
    return source


def link_file(source: Path, private: Path) -> Path:
    (source / "dress" / "x.jpg").symlink_to(private / "0.jpg")
    return source


def link_in_table(source: Path, private: Path) -> Path:
    (source / "lnk").symlink_to(private)
    ours = next((source / "dress").iterdir()).name
    (source / "table.csv").write_text(f"path,label\ndress/{ours},a\nlnk/0.jpg,b\n")
    return source / "table.csv"


def link_as_mask(source: Path, private: Path) -> Path:
    shutil.copyfile(private / "0.jpg", source / "ours.jpg")
    (source / "mask.png").symlink_to(private / "mask.png")
    (source / "table.csv").write_text("path,mask\nours.jpg,mask.png\n")
    return source / "table.csv"


WAYS = {
    link_folder: ("dress/l", "", 2),
    link_file: ("dress/x.jpg", "/0.jpg", 1),
    link_in_table: ("lnk", "", 1),
    link_as_mask: ("mask.png", "/mask.png", 1),
}
"""Ways out of a source; for each the link, the end of the path where it leads, and how many files are there."""

ways = pytest.mark.parametrize("way", list(WAYS), ids=lambda way: way.__name__)


def options_of(way: Any) -> list[str]:
    return ["--label-column", "mask:mask"] if way is link_as_mask else []


@ways
def test_what_is_outside_is_counted(way: Any, source: Path, private: Path, run: Run) -> None:
    link, end, files = WAYS[way]
    place = f"{private.resolve()}{end}"
    taken = way(source, private)
    report = {"outside_files": files, "outside_links": 1, "first": {link: place}, "not_followed": 0}
    status, document, errors = run(taken, "--dry-run", "--json", *options_of(way))
    assert (status, document["links"]) == (0, report), errors
    status, text, errors = run(taken, *options_of(way))
    assert status == 0, errors
    assert f"links      1 lead out of SOURCE, to {files} images or masks" in text
    assert f"           {link} -> {place}\n" in text
    status, document, errors = run(taken, "--json", *options_of(way))
    assert (status, document["up_to_date"], document["links"]) == (0, True, report), errors


@ways
def test_or_refused_before_anything_is_written(
    way: Any, source: Path, private: Path, run: Run, tmp_path: Path
) -> None:
    link, end, _ = WAYS[way]
    taken = way(source, private)
    for more in ([], ["--dry-run"], ["--max-bad", "100%"]):
        status, _, errors = run(taken, "--links", "refuse", *more, *options_of(way))
        assert status == 2
        assert (
            f"has links that lead out of it (1), and --links refuse allows none: {link} -> {private.resolve()}{end}. "
            in errors
        )
        assert not (tmp_path / "dataset").exists()


@ways
def test_a_dataset_does_not_say_where_links_lead(
    way: Any, source: Path, private: Path, run: Run, tmp_path: Path
) -> None:
    assert run(way(source, private), *options_of(way))[0] == 0
    for path in (tmp_path / "dataset").iterdir():
        assert b"home/private" not in path.read_bytes(), path


def test_refusing_changes_nothing_where_no_link_leads_out(source: Path, tmp_path: Path) -> None:
    (source / "hat").symlink_to("dress")
    convert(source, tmp_path / "followed")
    convert(source, tmp_path / "refused", links="refuse")
    assert contents(tmp_path / "followed") == contents(tmp_path / "refused")
    assert convert(source, tmp_path / "followed", links="refuse").up_to_date


def test_what_is_appended_is_refused_too(source: Path, private: Path, tmp_path: Path) -> None:
    convert(source, tmp_path / "dataset")
    before = contents(tmp_path / "dataset")
    link_folder(source, private)
    with pytest.raises(UsageError, match="dress/l -> "):
        convert(source, tmp_path / "dataset", append=True, links="refuse")
    assert contents(tmp_path / "dataset") == before
    added = convert(source, tmp_path / "dataset", append=True)
    assert (added.added, added.links.outside_files) == ({"train": 2}, 2)


def test_another_word_is_refused(source: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="links must be one of follow, refuse"):
        plan_conversion(source, tmp_path / "dataset", links="never")  # type: ignore[arg-type]


def test_88_kilobytes_of_links_are_not_262144_images(source: Path, tmp_path: Path) -> None:
    bomb = source / "dress" / "bomb"
    for level in range(19):
        (bomb / str(level)).mkdir(parents=True)
        for name in "ab" if level < 18 else "":
            (bomb / str(level) / name).symlink_to(f"../{level + 1}")
    Image.new("RGB", (8, 8)).save(bomb / "18" / "1.png")
    done = convert(source, tmp_path / "dataset")
    assert done.manifest.splits["train"].examples == 3 + 16
    assert done.manifest.duplicates.within == 15
    assert done.links.not_followed > 0
    assert verify_dataset(tmp_path / "dataset").ok


def test_memory_and_devices_cost_only_themselves(source: Path, tmp_path: Path) -> None:
    targets = {"memory.jpg": "/proc/self/mem", "zero.jpg": "/dev/zero", "setting.jpg": "/sys/kernel/notes"}
    for name, target in targets.items():
        (source / "dress" / name).symlink_to(target)
    with pytest.raises(TooManyRejectsError):
        convert(source, tmp_path / "dataset")
    convert(source, tmp_path / "dataset", max_bad=3)
    lines = [json.loads(line) for line in (tmp_path / "dataset" / "rejects.jsonl").read_text().splitlines()]
    assert {line["path"]: line["reason"] for line in lines} == {
        f"dress/{name}": "unreadable" for name in targets
    }
    assert len(keys(tmp_path / "dataset")) == 3


def test_a_table_names_memory_and_devices(source: Path, tmp_path: Path) -> None:
    (source / "proc").symlink_to("/proc")
    ours = next((source / "dress").iterdir()).name
    rows = [f"dress/{ours},a", "proc/self/mem,b", "proc/self/environ,b", "proc/self/fd/0,b"]
    (source / "table.csv").write_text("\n".join(["path,label", *rows]))
    convert(source / "table.csv", tmp_path / "dataset", ConvertOptions(), max_bad=3)
    assert keys(tmp_path / "dataset") == {f"dress/{ours}"}


def test_a_table_of_the_kernel_is_not_read(source: Path, tmp_path: Path) -> None:
    (source / "table.csv").symlink_to("/proc/self/environ")
    for taken, named in (((source / "table.csv"), {}), (source, {"labels": source / "table.csv"})):
        with pytest.raises(UsageError, match="cannot be read: in one of /proc/ /sys/ /dev/"):
            convert(taken, tmp_path / "dataset", **named)


STALE = """\
import errno, os
from fitfeed.converters.reading import local_files

opened = local_files.open_regular

def failing(path):
    if path.endswith("stale.jpg"):
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
    return opened(path)

local_files.open_regular = failing
local_files.READ_RETRY_DELAY_S = 0
"""


def test_workers_of_an_engine_read_in_the_same_way(
    source: Path, private: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source / "dress" / "memory.jpg").symlink_to("/proc/self/mem")
    (source / "dress" / "stale.jpg").symlink_to(private / "0.jpg")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(STALE)
    # The processes that write the shards of an engine run it at their start, as those of a local run do.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "site"), str(ROOT)]))
    convert(source, tmp_path / "local", max_bad=2, workers=1)
    convert(source, tmp_path / "engine", max_bad=2, runner="BundleBasedDirectRunner")
    assert contents(tmp_path / "engine") == contents(tmp_path / "local")
    rejects = (tmp_path / "engine" / "rejects.jsonl").read_text()
    assert "where no file is ever read" in rejects
    assert "it is outside SOURCE, and cannot be read there (Stale file handle, 3 times)" in rejects
