"""One file that crashes its process and one that hangs it: both are rejected, nothing else is lost."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fitfeed.schemas.index import Index
from fitfeed.schemas.manifest import read_manifest
from tests.faults import FAULTS, add_fault, faulty_decoder
from tests.folders import contents
from tests.photos import copy_photos
from tests.warm_commands import WarmCommands


@pytest.fixture(scope="module")
def photos(clothing: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """16 good photographs in two classes."""
    folder = tmp_path_factory.mktemp("photos")
    return copy_photos(clothing / "train", folder, ("dress", "longsleeve"), count=8)


@pytest.fixture(scope="module")
def faulty_photos(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same and four that are fatal."""
    folder = tmp_path_factory.mktemp("faulty") / "photos"
    shutil.copytree(photos, folder)
    for fault in FAULTS:
        picture = folder / "dress" / f"{fault.split()[0]}.jpg"
        shutil.copyfile(next(photos.glob("longsleeve/*")), picture)
        add_fault(picture, fault)
    return folder


Convert = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def convert(commands: WarmCommands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Convert:
    """Converts in processes whose decoder fails at faulty pictures."""
    monkeypatch.setenv("PYTHONPATH", faulty_decoder(tmp_path / "faults"))

    def run(
        source: Path, dataset: Path, *arguments: str, timeout_s: int = 5
    ) -> "subprocess.CompletedProcess[str]":
        return commands.run("convert", source, dataset, "--shards", 2, "--timeout", timeout_s, *arguments)

    return run


def examples(dataset: Path) -> list[tuple[str, int, bytes]]:
    """Key, label and payload of all examples, in stored order."""
    split = read_manifest(dataset).splits["train"]
    index = Index(dataset / split.index.file)
    shards = [(dataset / shard.file).read_bytes() for shard in split.shards]
    return [
        (
            index.key(row),
            int(index.labels["label"][row]),
            shards[index.shard[row]][index.offset[row] : index.offset[row] + index.length[row]],
        )
        for row in range(len(index))
    ]


@pytest.mark.slow
def test_only_the_fatal_files_are_lost(
    convert: Convert, photos: Path, faulty_photos: Path, tmp_path: Path
) -> None:
    refused = convert(faulty_photos, tmp_path / "refused")
    assert refused.returncode == 3, refused.stderr
    assert "2 decoder_crash" in refused.stderr
    # The verdicts are remembered: no process dies and nothing hangs again.
    accepted = convert(faulty_photos, tmp_path / "refused", "--max-bad", "4")
    assert accepted.returncode == 0, accepted.stderr
    assert "2 shards of an earlier run re-used" in accepted.stdout

    for name, workers in (("one", "1"), ("four", "4")):
        done = convert(faulty_photos, tmp_path / name, "--max-bad", "4", "--workers", workers)
        assert done.returncode == 0, done.stderr
        assert contents(tmp_path / name) == contents(tmp_path / "refused")
    lines = [json.loads(line) for line in (tmp_path / "one" / "rejects.jsonl").read_text().splitlines()]
    assert [(line["path"], line["reason"]) for line in lines] == [
        ("dress/exit.jpg", "decoder_crash"),
        ("dress/hang.jpg", "timeout"),
        ("dress/memory.jpg", "bomb"),
        ("dress/segmentation.jpg", "decoder_crash"),
    ]
    details = [line["detail"] for line in lines]
    assert "exit code 3" in details[0]
    assert "longer than 5 s" in details[1]
    assert "MiB of memory" in details[2]
    assert "SIGSEGV" in details[3]

    assert convert(photos, tmp_path / "good").returncode == 0
    assert examples(tmp_path / "one") == examples(tmp_path / "good")


@pytest.mark.slow
def test_a_longer_time_limit_lets_an_image_try_again(
    convert: Convert, faulty_photos: Path, tmp_path: Path
) -> None:
    assert convert(faulty_photos, tmp_path / "dataset").returncode == 3
    again = convert(faulty_photos, tmp_path / "dataset", "--max-bad", "4", timeout_s=6)
    assert again.returncode == 0
    assert "longer than 6 s" in (tmp_path / "dataset" / "rejects.jsonl").read_text()
