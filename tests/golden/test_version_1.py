"""A dataset of version 1 of the format is refused wherever one is opened, and may be replaced."""

import json
import shutil
from pathlib import Path

import pytest

from fitfeed.cli import main
from fitfeed.pipelines import open_dataset
from fitfeed.schemas.errors import FormatVersionError
from fitfeed.schemas.manifest import read_manifest
from tests.golden.regenerate_16_bits import make_source

REFUSED = r"{dataset} was made by an earlier fitfeed; convert again"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    make_source(tmp_path / "source")
    return tmp_path / "source"


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A copy of a dataset that version 0.1.0 wrote."""
    return shutil.copytree(Path(__file__).parent / "version-1-16-bits-tfrecord", tmp_path / "dataset")


@pytest.mark.parametrize(
    "command",
    [
        "inspect DATASET",
        "inspect DATASET --json",
        "verify DATASET",
        "preview DATASET -o sheet.png",
        "convert SOURCE DATASET --workers 1",
        "convert SOURCE DATASET --dry-run",
        "convert SOURCE DATASET --append",
    ],
)
def test_commands_refuse_it_in_one_line(
    command: str, source: Path, dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path.name: path.read_bytes() for path in dataset.iterdir()}
    words = [{"SOURCE": str(source), "DATASET": str(dataset)}.get(word, word) for word in command.split()]
    assert main(words) == 2
    printed = capsys.readouterr()
    assert REFUSED.format(dataset=dataset) in printed.err
    assert printed.err.count("\n") == 1
    if "--json" in words:
        assert json.loads(printed.out)["error"]["kind"] == "FormatVersionError"
    else:
        assert not printed.out
    assert {path.name: path.read_bytes() for path in dataset.iterdir()} == before


def test_feeding_refuses_it(dataset: Path) -> None:
    with pytest.raises(FormatVersionError, match=REFUSED.format(dataset=dataset)):
        open_dataset(dataset)


@pytest.mark.usefixtures("no_beam")
def test_overwrite_replaces_it(source: Path, dataset: Path) -> None:
    assert main(["convert", str(source), str(dataset), "--workers", "1", "--overwrite", "--quiet"]) == 0
    assert read_manifest(dataset).splits["train"].examples == 5
    assert main(["verify", str(dataset)]) == 0
