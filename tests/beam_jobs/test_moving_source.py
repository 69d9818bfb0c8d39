"""Sources that change under the conversion, and names and files that are hard to handle, in whole conversions."""

import ctypes
import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest import mock

import pytest

from fitfeed.beam_jobs.progress import NoProgress
from fitfeed.converters.open_source import open_regular
from fitfeed.converters.option_parts.storage import Format
from fitfeed.converters.options import ConvertOptions
from fitfeed.converters.reading import local_files
from fitfeed.converters.verify import verify_dataset
from fitfeed.schemas.errors import ConversionError, IncompleteDatasetError, TooManyRejectsError, UsageError
from fitfeed.schemas.index import Index
from fitfeed.schemas.manifest import read_manifest
from tests.folders import contents
from tests.without_beam import convert

FORMATS: list[Format] = ["tfrecord", "hdf5"]


class Meanwhile(NoProgress):
    """Does something to the source after it was listed and before it is read."""

    def __init__(self, action: Callable[[], object]) -> None:
        self._action = action

    def start(self, *, images: int, shards: int) -> None:
        self._action()


@pytest.fixture
def some(clothing: Path, tmp_path: Path) -> Path:
    for name in ("dress", "hat"):
        shutil.copytree(clothing / "test" / name, tmp_path / "source" / name)
    return tmp_path / "source"


def rejects(dataset: Path) -> dict[str, tuple[str, str]]:
    lines = map(json.loads, (dataset / "rejects.jsonl").read_text().splitlines())
    return {line["path"]: (line["reason"], line["detail"]) for line in lines}


def keys(dataset: Path) -> set[str]:
    found: set[str] = set()
    for split in read_manifest(dataset).splits.values():
        index = Index(dataset / split.index.file)
        found |= {index.key(row) for row in range(len(index))}
    return found


@pytest.mark.parametrize("format_", FORMATS)
def test_files_that_vanish_or_change_after_they_were_listed(
    some: Path, tmp_path: Path, format_: Format
) -> None:
    options = ConvertOptions(format=format_, shards=3)
    convert(some, tmp_path / "undisturbed", options)
    gone, changed, grown = sorted((some / "hat").iterdir())[:3]
    originals = {path: path.read_bytes() for path in (gone, changed, grown)}

    def disturb() -> None:
        gone.unlink()
        changed.write_bytes(originals[grown])
        with grown.open("ab") as stream:
            stream.write(b"\0" * 100)

    with pytest.raises(TooManyRejectsError, match="3 files were rejected"):
        convert(some, tmp_path / "strict", options, progress=Meanwhile(disturb))
    for path, data in originals.items():
        path.write_bytes(data)
    assert not convert(some, tmp_path / "strict", options).up_to_date
    assert contents(tmp_path / "strict") == contents(tmp_path / "undisturbed")

    convert(some, tmp_path / "dataset", options, max_bad=3, progress=Meanwhile(disturb))
    found = rejects(tmp_path / "dataset")
    assert {path: reason for path, (reason, _) in found.items()} == {
        f"hat/{path.name}": "vanished" for path in originals
    }
    before, now = len(originals[grown]), len(originals[grown]) + 100
    assert f"({before} bytes then, {now} now)" in found[f"hat/{grown.name}"][1]
    assert verify_dataset(tmp_path / "dataset").ok


@pytest.mark.parametrize("format_", FORMATS)
def test_names_and_links_that_are_hard_to_handle(some: Path, tmp_path: Path, format_: Format) -> None:
    hats = some / "hat"
    first, second, third, *_ = sorted(hats.iterdir())
    first.rename(hats / "A.jpg")
    second.rename(hats / "a.jpg")  # another file, where case counts
    shutil.copyfile(third, hats / "twin.jpg")
    shutil.copyfile(hats / "A.jpg", hats / "twin.jpeg")
    third.rename(Path(os.fsdecode(os.fsencode(hats) + b'/\xff\xfe new\nline\t"quoted".jpg')))
    (hats / "link.jpg").symlink_to("A.jpg")
    (hats / "broken.jpg").symlink_to("nowhere")
    (hats / "loop.jpg").symlink_to("loop.jpg")
    (hats / "again").symlink_to(hats)
    (hats / "\N{COMBINING ACUTE ACCENT}e 图.jpg").symlink_to("a.jpg")
    convert(some, tmp_path / "dataset", ConvertOptions(format=format_, shards=2), max_bad=2)
    assert {key for key in keys(tmp_path / "dataset") if "-" not in key} == {
        "hat/A.jpg",
        "hat/a.jpg",
        "hat/twin.jpg",
        "hat/twin.jpeg",
        "hat/link.jpg",
        "hat/\N{COMBINING ACUTE ACCENT}e 图.jpg",
        'hat/\\xff\\xfe new\nline\t"quoted".jpg',
    }
    found = rejects(tmp_path / "dataset")
    assert {path: reason for path, (reason, _) in found.items()} == {
        "hat/broken.jpg": "vanished",
        "hat/loop.jpg": "unreadable",
        "hat/again": "not_an_image",
    }
    assert verify_dataset(tmp_path / "dataset").ok


def test_a_file_that_could_not_be_read_is_tried_again(some: Path, tmp_path: Path) -> None:
    link, outside = some / "hat" / "link.jpg", tmp_path / "outside.jpg"
    shutil.copyfile(next((some / "hat").iterdir()), outside)
    link.symlink_to(outside)

    def failing(path: str) -> int:
        if path.endswith("link.jpg"):
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        return open_regular(path)

    with mock.patch.object(local_files, "open_regular", failing), pytest.raises(TooManyRejectsError):
        convert(some, tmp_path / "dataset", ConvertOptions(shards=3))
    done = convert(some, tmp_path / "dataset", ConvertOptions(shards=3))
    assert (done.reused_shards, done.manifest.rejects) == (2, {})
    assert "hat/link.jpg" in keys(tmp_path / "dataset")


PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2


def bound_by_permissions() -> None:
    """Runs in a child: takes from root, after `exec`, the right to ignore permissions."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


def run_bound(command: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, preexec_fn=bound_by_permissions, capture_output=True, text=True, check=False, timeout=600
    )


@pytest.mark.slow
@pytest.mark.parametrize("format_", ["tfrecord", "hdf5"])
def test_files_and_folders_without_permission(clothing: Path, tmp_path: Path, format_: Format) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    shutil.copytree(clothing / "test" / "hat", source / "hat")
    target.mkdir()
    locked = sorted((source / "hat").iterdir())[0]
    locked.chmod(0)
    if run_bound(["cat", str(locked)]).returncode == 0:
        pytest.skip("this user may read everything, and cannot give that up")
    command = [sys.executable, "-m", "fitfeed", "convert", str(source), str(target / "dataset"), "--quiet"]
    command += ["--format", format_]
    done = run_bound([*command, "--max-bad", "1"])
    assert done.returncode == 0, done.stderr
    reason, detail = rejects(target / "dataset")[f"hat/{locked.name}"]
    assert reason == "unreadable"
    assert detail.startswith("no permission to read the file")

    (source / "secret").mkdir(mode=0)
    done = run_bound([*command, "--max-bad", "1"])
    assert done.returncode == 2
    assert f"no permission to list the folder {source}/secret" in done.stderr
    (source / "secret").rmdir()

    target.chmod(0o555)
    command[5] = str(target / "other")
    done = run_bound(command)
    assert done.returncode == 2
    assert "Permission denied. Choose a folder that you may write to." in done.stderr
    assert "Traceback" not in done.stderr


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Lets nobody write below a folder, by a read-only mount over it: that binds root too."""
    for options in (["--bind", str(folder), str(folder)], ["-o", "remount,bind,ro", str(folder)]):
        done = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"needs the right to mount: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("format_", FORMATS)
def test_a_target_that_is_or_becomes_read_only(some: Path, tmp_path: Path, format_: Format) -> None:
    options = ConvertOptions(format=format_, shards=3)
    dataset = tmp_path / "target" / "dataset"
    dataset.parent.mkdir()
    with (
        read_only(dataset.parent),
        pytest.raises(UsageError, match=r"cannot write to DATASET .*: Read-only file system"),
    ):
        convert(some, dataset, options)
    with ExitStack() as half_way:
        meanwhile = Meanwhile(lambda: half_way.enter_context(read_only(dataset)))
        with pytest.raises(
            ConversionError, match=r"cannot write to .*Read-only file system.*Nothing was pub"
        ):
            convert(some, dataset, options, progress=meanwhile)
    with pytest.raises(IncompleteDatasetError):
        read_manifest(dataset)
    convert(some, dataset, options)
    convert(some, tmp_path / "undisturbed", options)
    assert contents(dataset) == contents(tmp_path / "undisturbed")
