"""What identifies a file: whatever happens to names, sizes and times, no example is lost and none is stale."""

import dataclasses
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from fitfeed.cli import main
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.planning import source_listing
from fitfeed.converters.sources import listing
from fitfeed.schemas.errors import TooManyRejectsError, UsageError
from fitfeed.schemas.index import open_index
from fitfeed.schemas.manifest import read_manifest
from tests.effort import tries
from tests.without_beam import convert, without_beam

NAMES = ("cat/1.ppm", "cat/2.ppm", "dog/1.ppm")
OPTIONS = ConvertOptions(encoding="png")
LONG_AGO = 10**18
SECOND = 10**9


def picture(value: int) -> bytes:
    """Different pictures of one size, as cameras write bitmaps."""
    return b"P6 1 1 255 " + bytes([value] * 3)


class Write(NamedTuple):
    """Writes a file, some time after the step before. A program may choose when it was modified."""

    source: int
    name: str
    value: int
    wait_ns: int
    modified: str


class Exchange(NamedTuple):
    """Exchanges both sources, as if another disk were mounted. No file changes."""


class Run(NamedTuple):
    """Converts a source."""

    source: int
    how: str
    check_content: bool


STEPS = st.lists(
    st.one_of(
        st.builds(
            Write,
            st.sampled_from((0, 1)),
            st.sampled_from(NAMES),
            st.sampled_from((10, 20, 30)),
            st.sampled_from((0, 1, 10 * SECOND)),
            st.sampled_from(("now", "long ago")),
        ),
        st.builds(Exchange),
        st.builds(Run, st.sampled_from((0, 1)), st.sampled_from(("again", "append")), st.booleans()),
    ),
    min_size=2,
    max_size=6,
)


def digests(dataset: Path) -> dict[str, bytes]:
    """Key to digest of the file from which each example was made."""
    manifest = read_manifest(dataset)
    found: dict[str, bytes] = {}
    for split in manifest.splits.values():
        index = open_index(dataset, split.index.file, manifest.features.label_kinds)
        found |= {index.key(row): index.source_digest[row].tobytes() for row in range(len(index))}
    return found


def on_disk(root: Path) -> dict[str, bytes]:
    paths = [path for path in root.rglob("*") if path.is_file()]
    return {str(path.relative_to(root)): xxhash.xxh3_128(path.read_bytes()).digest() for path in paths}


@settings(max_examples=tries(100) // 2)
@given(steps=STEPS)
def test_no_example_is_lost_and_none_is_stale(steps: list[Write | Exchange | Run]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        roots, dataset = [Path(folder) / "site 1", Path(folder) / "site 2"], Path(folder) / "dataset"
        clock, changed_ns = LONG_AGO, {}

        def write(source: int, name: str, value: int, *, mtime_ns: int) -> None:
            path = roots[source] / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(picture(value))
            os.utime(path, ns=(mtime_ns, mtime_ns))
            changed_ns[path.stat().st_ino] = clock

        def changed(status: os.stat_result) -> int:
            return changed_ns[status.st_ino]

        for source in (0, 1):
            write(source, NAMES[0], 10 * (source + 1), mtime_ns=LONG_AGO)
            write(source, NAMES[1], 40, mtime_ns=LONG_AGO)
        clock += 10 * SECOND
        with (
            mock.patch.object(listing, "_NUMBERS", (*listing._NUMBERS[:2], changed)),
            mock.patch("fitfeed.converters.planning.plan.time.time_ns", side_effect=lambda: clock),
        ):
            convert({"site": roots[0]}, dataset, OPTIONS)
            for step in [
                *steps,
                Run(0, "append", check_content=False),
                Run(1, "append", check_content=False),
            ]:
                if isinstance(step, Write):
                    clock += step.wait_ns
                    mtime_ns = clock if step.modified == "now" else LONG_AGO
                    write(step.source, step.name, step.value, mtime_ns=mtime_ns)
                elif isinstance(step, Exchange):
                    roots[0].rename(Path(folder) / "away")
                    roots[1].rename(roots[0])
                    (Path(folder) / "away").rename(roots[1])
                else:
                    require_all_or_refused(roots[step.source], dataset, step)


def require_all_or_refused(root: Path, dataset: Path, step: Run) -> None:
    """Converts, and holds the dataset against what is on disk."""
    had, there = digests(dataset), on_disk(root)
    known = {key: digest for key, digest in there.items() if key in had}
    differ = sorted(key for key, digest in known.items() if had[key] != digest)
    message = None
    try:
        done = convert(
            {"site": root}, dataset, OPTIONS, append=step.how == "append", check_content=step.check_content
        )
    except UsageError as error:
        message = str(error)
    if message is not None:
        other_files = step.how == "again" and there.keys() != had.keys()
        assert differ or other_files
        assert other_files or differ[0] in message
        assert digests(dataset) == had
    else:
        assert not differ
        assert digests(dataset) == had | there
        assert done.comparison is not None
        assert done.comparison.times + done.comparison.contents == len(known)
        assert not step.check_content or done.comparison.contents == len(known)
        assert done.up_to_date == (had == had | there)
        assert done.gone.count == 0 or done.gone.count == len(had.keys() - there.keys())


@pytest.mark.parametrize("why", ["rejected", "left out"])
def test_what_has_no_example_is_not_called_up_to_date(tmp_path: Path, why: str) -> None:
    photos, dataset = tmp_path / "photos", tmp_path / "dataset"
    for name, value in zip(NAMES, (10, 20, 10 if why == "left out" else 30), strict=True):
        (photos / name).parent.mkdir(parents=True, exist_ok=True)
        (photos / name).write_bytes(picture(value))
    options = dataclasses.replace(OPTIONS, duplicates="drop")
    last = photos / NAMES[2]
    if why == "rejected":
        last.write_bytes(b"P6 1 1 255 " + b"3")
    with mock.patch.object(source_listing, "RECENT_NS", -SECOND):
        convert(photos, dataset, options, max_bad=1)
        assert convert(photos, dataset, options).warnings == []
        last.write_bytes(last.read_bytes()[:-1] + b"9")
        for _ in range(2):
            again = convert(photos, dataset, options)
            assert again.up_to_date
            assert f"because their times are others: 1 ({NAMES[2]}). --append tries" in again.warnings[0]
        more = convert(photos, dataset, append=True)
        assert more.up_to_date == (why == "rejected")
        again = convert(photos, dataset, options)
        assert again.up_to_date
        assert again.warnings == []


def test_the_command_says_what_was_compared(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    photos, dataset = tmp_path / "photos", tmp_path / "dataset"
    for name, value in zip(NAMES, (10, 20, 30), strict=True):
        (photos / name).parent.mkdir(parents=True, exist_ok=True)
        (photos / name).write_bytes(picture(value))
    with without_beam(), mock.patch.object(source_listing, "RECENT_NS", -SECOND):
        assert main(["convert", str(photos), str(dataset), "--quiet"]) == 0
        (photos / NAMES[0]).touch()
        assert main(["convert", str(photos), str(dataset), "--dry-run"]) == 0
        first = f"{dataset} is up to date: compared 2 sizes and times, 1 contents; nothing to do\n"
        assert capfd.readouterr().out == first
        assert main(["convert", str(photos), str(dataset), "--check-content"]) == 0
        assert "is up to date: compared 3 contents; nothing to do" in capfd.readouterr().out
        (photos / NAMES[1]).unlink()
        for arguments in (["--append"], ["--append", "--dry-run"]):
            assert main(["convert", str(photos), str(dataset), *arguments]) == 0
            shown = capfd.readouterr().out
            assert f"1 examples are of files that SOURCE no longer has ({NAMES[1]}); they stay" in shown
            assert main(["convert", str(photos), str(dataset), "--json", *arguments]) == 0
            document = json.loads(capfd.readouterr().out)
            assert document["gone"] == {"count": 1, "first": [NAMES[1]]}
            assert document["compared"] == {"sizes_and_times": 2, "contents": 0, "not_compared": []}


def test_another_source_does_not_lack_the_files_of_the_first(tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    for name, value in zip(NAMES, (10, 20, 30), strict=True):
        path = tmp_path / ("more" if name == NAMES[2] else "photos") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(value))
    convert(tmp_path / "photos", dataset, OPTIONS)
    added = convert(tmp_path / "more", dataset, append=True)
    assert added.added == {"train": 1}
    assert added.gone.count == 0


@pytest.mark.parametrize("what", ["nothing", "touched", "image", "mask", "reject", "folder"])
def test_finished_shards_of_other_bytes_are_not_continued(tmp_path: Path, what: str) -> None:
    photos, dataset, modified = tmp_path / "photos", tmp_path / "dataset", (LONG_AGO, LONG_AGO)
    photos.mkdir()
    for number in range(4):
        (photos / f"{number}.ppm").write_bytes(picture(number))
        (photos / f"{number}.pgm").write_bytes(b"P5 1 1 255 " + bytes([number]))
    (photos / "3.ppm").write_bytes(picture(3)[:-1])
    rows = [f"{number}.ppm,{number}.pgm" for number in range(4)]
    (photos / "table.csv").write_text("\n".join(["image,lesion", *rows]))
    for path in photos.iterdir():
        os.utime(path, ns=modified)
    options = ConvertOptions(encoding="png", label_columns=("lesion:mask",), shards=2)
    with mock.patch.object(source_listing, "RECENT_NS", -SECOND):
        with pytest.raises(TooManyRejectsError):
            convert(photos / "table.csv", dataset, options)
        name = {"image": "1.ppm", "mask": "2.pgm", "reject": "3.ppm", "touched": "1.ppm"}.get(what)
        if what == "folder":
            shutil.copytree(photos, tmp_path / "copy")
            photos.rename(tmp_path / "away")
            (tmp_path / "copy").rename(photos)
            name = "0.ppm"
        if name is not None:
            data = bytearray((photos / name).read_bytes())
            data[-1] ^= 0 if what == "touched" else 1
            (photos / name).write_bytes(data)
            os.utime(photos / name, ns=modified)
        done = convert(photos / "table.csv", dataset, options, max_bad=1)
    assert done.reused_shards == {"nothing": 2, "touched": 2, "folder": 0}.get(what, 1)
    there = on_disk(photos)
    assert digests(dataset) == {f"{number}.ppm": there[f"{number}.ppm"] for number in range(3)}
    index = open_index(dataset, "train.index.arrow", {"label": "mask"})
    masks = {index.key(row): index.mask_source_digests["label"][row].tobytes() for row in range(3)}
    assert masks == {f"{number}.ppm": there[f"{number}.pgm"] for number in range(3)}
