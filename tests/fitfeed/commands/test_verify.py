"""`fitfeed verify`: what it prints, and its exit status."""

import io
import json
import shutil
from pathlib import Path

import pytest

from fitfeed.cli import main
from fitfeed.output import progress_display as progress_module
from fitfeed.output.progress import reading_progress
from fitfeed.schemas.index import Index
from fitfeed.schemas.manifest import MANIFEST_NAME, read_manifest
from tests.without_beam import convert


def verify(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["verify", *arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@pytest.fixture
def damaged(dataset_tfrecord: Path, tmp_path: Path) -> Path:
    """The first 30 images of the first shard have a wrong first byte."""
    folder = Path(shutil.copytree(dataset_tfrecord, tmp_path / "damaged"))
    split = read_manifest(folder).splits["train"]
    content = bytearray((folder / split.shards[0].file).read_bytes())
    for offset in Index(folder / split.index.file).offset[:30].tolist():
        content[offset] ^= 1
    (folder / split.shards[0].file).write_bytes(content)
    return folder


def test_a_whole_dataset(dataset_tfrecord: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = verify(capsys, str(dataset_tfrecord))
    assert (status, err) == (0, "")
    manifest = read_manifest(dataset_tfrecord)
    assert f"{dataset_tfrecord} is whole: {len(manifest.files())} files with 521 examples" in out
    assert manifest.fingerprint in out


def test_json_of_a_whole_dataset(dataset_hdf5: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = verify(capsys, str(dataset_hdf5), "--json")
    assert (status, err) == (0, "")
    document = json.loads(out)
    manifest = read_manifest(dataset_hdf5)
    assert (document["ok"], document["findings"]) == (True, [])
    assert document["checked"] == {
        "fingerprint": manifest.fingerprint,
        "files": len(manifest.files()),
        "bytes": sum(entry.bytes for entry in manifest.files()),
        "examples": 521,
    }


def test_the_first_twenty_findings_are_shown(damaged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = verify(capsys, str(damaged))
    assert (status, err) == (5, "")
    shard = read_manifest(damaged).splits["train"].shards[0].file
    index = Index(damaged / "train.index.arrow")
    assert f"{damaged} is damaged" in out
    assert "findings: 31" in out
    assert len([line for line in out.splitlines() if line.startswith(f"{shard}: ")]) == 20
    assert f"{shard}: payload at byte {index.offset[3]}, example 3 ({index.key(3)!r}): its image" in out
    assert "and 11 more; --json lists them all" in out
    assert f"Restore {shard} from a copy" in out


def test_json_has_all_findings(damaged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = verify(capsys, str(damaged), "--json")
    assert (status, err) == (5, "")
    document = json.loads(out)
    assert not document["ok"]
    assert len(document["findings"]) == 31
    assert document["findings"][1].keys() == {"file", "kind", "offset", "example", "key", "detail"}


def test_quiet_says_nothing_of_a_whole_dataset(
    dataset_tfrecord: Path, damaged: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(capsys, str(dataset_tfrecord), "--quiet") == (0, "", "")
    status, out, _ = verify(capsys, str(damaged), "--quiet")
    assert status == 5
    assert "is damaged" in out


def test_no_dataset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path, message in {
        tmp_path / "nothing": "does not exist",
        tmp_path: "not a fitfeed dataset",
        Path(__file__): "is a file",
    }.items():
        status, out, err = verify(capsys, str(path), "--json")
        assert (status, json.loads(out)["error"]["status"]) == (2, 2)
        assert message in err
        assert message in json.loads(out)["error"]["message"][0]
        assert err.count("\n") == 1


def test_an_incomplete_dataset_says_how_to_finish(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ".work").mkdir()
    status, out, _ = verify(capsys, str(tmp_path))
    assert status == 5
    assert "Run the same `fitfeed convert` command again" in out
    status, out, _ = verify(capsys, str(tmp_path), "--json")
    assert (status, json.loads(out)["findings"][0]["kind"]) == (5, "incomplete")


def test_a_damaged_manifest(damaged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (damaged / MANIFEST_NAME).write_text("{")
    status, out, err = verify(capsys, str(damaged))
    assert (status, err) == (5, "")
    assert "manifest.json is not JSON" in out


def test_progress_is_a_line_now_and_then(
    dataset_tfrecord: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress_module, "LINE_INTERVAL_S", 0.0)
    monkeypatch.setattr(progress_module, "QUIET_S", 0.0)
    _, out, err = verify(capsys, str(dataset_tfrecord), "--json")
    assert json.loads(out)["ok"]
    assert "checking" in err.splitlines()


def test_progress_is_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True)
    with reading_progress(stream, "verifying", quiet=False) as progress:
        assert progress is not None
        progress.start(files=3, total_bytes=100)
        progress.update(100)
    with reading_progress(stream, "verifying", quiet=True) as progress:
        assert progress is None


def test_a_file_that_does_not_belong_to_it_is_only_to_be_removed(
    few_photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    convert(few_photos, out)
    shutil.copy(out / "train-00000-of-00001.tfrecord", out / "train-00000-of-00001 (1).tfrecord")
    capsys.readouterr()
    assert main(["verify", str(out)]) == 5
    printed = capsys.readouterr().out
    assert printed.startswith(f"{out} is whole, but has files that do not belong to it: ")
    assert "train-00000-of-00001 (1).tfrecord: extra: it is not a part of this dataset" in printed
    assert "Remove train-00000-of-00001 (1).tfrecord: programs that read all files of a pattern" in printed
    assert "Restore" not in printed
