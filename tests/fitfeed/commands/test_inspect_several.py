"""`fitfeed inspect` of several paths, patterns and folders."""

import json
from pathlib import Path
from typing import Any

import h5py
import pytest

from fitfeed.cli import main
from fitfeed.commands import inspect_several
from fitfeed.output import progress_display
from tests.converters.inspect.foreign import write_shards
from tests.converters.inspect.reader.programs import run


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    return write_shards(tmp_path / "shards")


def inspect(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["inspect", *arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@pytest.mark.parametrize("written", ["shards", "shards/", "shards/*.tfrecord", "sh*/*-of-*"])
def test_a_folder_and_patterns(shards: Path, written: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = inspect(capsys, str(shards.parent / written))
    assert (status, err) == (0, "")
    assert f"{shards}/train-00001-of-00003.tfrecord  TFRecord  68 B   2        label" in out
    names = run(out.partition("# read all of them with:")[2])
    assert [record["label"].numpy() for record in names["dataset"]] == [0, 1, 1, 2, 2, 2]
    assert "convert SOURCE" not in out


def test_json(shards: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = inspect(capsys, str(shards), "--json")
    document: dict[str, Any] = json.loads(out)
    assert status == 0
    assert [file["records"] for file in document["files"]] == [1, 2, 3]
    assert len(list(run(document["parser"])["dataset"])) == 6


def test_one_damaged_file_does_not_hide_the_others(shards: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = shards / "train-00001-of-00003.tfrecord"
    path.write_bytes(path.read_bytes()[:-1])
    with h5py.File(shards / "other.h5", "w") as file:
        file["x"] = [1]
    (shards / "notes.txt").write_text("text")
    status, out, _ = inspect(capsys, *map(str, sorted(shards.iterdir())))
    assert status == 5
    assert "train-00001-of-00003.tfrecord  damaged" in out
    assert "other.h5                       HDF5" in out
    assert "notes.txt                      cannot be read" in out
    assert "is damaged: record at byte 34" in out


def test_many_files_are_looked_at_in_part(
    shards: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspect_several, "MAX_FILES", 2)
    _, out, _ = inspect(capsys, str(shards))
    assert "and 1 more files, which were not looked at; --full looks at all" in out
    _, out, _ = inspect(capsys, str(shards), "--full")
    assert "train-00002-of-00003" in out


@pytest.mark.parametrize("options", [[], ["--full"]], ids=str)
def test_progress_counts_files_and_datasets(
    options: list[str],
    shards: Path,
    dataset_tfrecord: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(progress_display, "LINE_INTERVAL_S", 0.0)
    monkeypatch.setattr(progress_display, "QUIET_S", 0.0)
    arguments = [str(dataset_tfrecord), *map(str, sorted(shards.iterdir())), *options]
    _, _, err = inspect(capsys, *arguments)
    told = list(dict.fromkeys(line.split(",")[0] for line in err.splitlines()))
    assert told == [f"inspecting: {done}/4 files" for done in range(5)]
    assert inspect(capsys, *arguments, "--quiet")[2] == ""


def test_full_of_one_file(shards: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = inspect(capsys, str(shards / "train-00002-of-00003.tfrecord"), "--full")
    assert status == 0
    assert "3 records of tf.train.Example" in out


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("s3://bucket/*", "PATH s3://bucket/* is a pattern, and patterns are for files of this machine"),
        ("memory://nothing/x.tfrecord", "memory://nothing/x.tfrecord does not exist"),
        ("nothing/*.tfrecord", "nothing/*.tfrecord does not exist"),
        ("{parent}", "is not a fitfeed dataset: it has no manifest.json"),
    ],
)
def test_what_leads_nowhere(
    shards: Path, written: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = inspect(capsys, written.format(parent=shards.parent))
    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_verify_of_foreign_shards_leads_to_inspect(shards: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(shards)]) == 2
    assert f"fitfeed inspect {shards}" in capsys.readouterr().err
