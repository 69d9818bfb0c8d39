"""The options about tables and splits as a user gives them, and what inspect says of the result."""

import json
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fitfeed.cli import main
from fitfeed.converters.inspect import inspect_file
from fitfeed.schemas.manifest import read_manifest
from tests.labelled import COLUMNS, LAYOUTS, Flower

Source = tuple[Path, list[Flower]]
LABELS = [argument for column in COLUMNS for argument in ("--label-column", column)]


@pytest.mark.usefixtures("no_beam")
def test_every_option_reaches_the_dataset(
    flower_table: Source, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, flowers = flower_table
    dataset = tmp_path / "dataset"
    command = [
        "convert",
        str(source),
        str(dataset),
        "--labels",
        str(source / "labels.csv"),
        "--path-column",
        "path",
    ]
    command += [*LABELS, "--split", "train=0.5,test=0.5", "--group", "gardener", "--json", "--quiet"]
    assert main(command) == 0
    document = json.loads(capsys.readouterr().out)
    assert list(document["features"]) == [
        "image",
        "species",
        "tags",
        "height_cm",
        "petals",
        "région",
        "note",
        "key",
    ]
    assert document["options"]["label_columns"] == list(COLUMNS)
    assert document["options"]["group"] == "gardener"
    assert document["splits"]["train"]["class_counts"].keys() == {"daisy", "rose", "tulip"}
    gardeners = {flower.path: flower.gardener for flower in flowers}
    import pyarrow as pa

    found = [
        {gardeners[path] for path in pa.ipc.open_file(str(index)).read_all()["path"].to_pylist()}
        for index in sorted(dataset.glob("*.index.arrow"))
    ]
    assert len(found) == 2
    assert not found[0] & found[1]


def test_stratified(flower_table: Source, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = str(flower_table[0] / "labels.jsonl")
    command = [
        "convert",
        source,
        str(tmp_path / "d"),
        "--label-column",
        "species",
        "--split",
        "train=0.75,test=0.25",
    ]
    assert main([*command, "--stratify", "--dry-run", "--json"]) == 0
    splits = json.loads(capsys.readouterr().out)["splits"]
    assert splits["train"]["class_counts"] == dict.fromkeys(("daisy", "rose", "tulip"), 6)
    assert splits["test"]["class_counts"] == dict.fromkeys(("daisy", "rose", "tulip"), 2)
    assert main([*command, "--dry-run"]) == 0
    assert "daisy" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--stratify"], 2, "--stratify gives every class the shares of --split"),
        (["--group", "gardener"], 2, "there is only one split"),
        (
            ["--group", "gardener", "--split-column", "set"],
            4,
            "groups of column 'gardener' that are in two splits: ",
        ),
        (["--label-column", "petal:int"], 2, "--label-column petal: labels.csv must have one such column"),
        (["--label-column", "note:float"], 2, "no row of labels.csv gives an image of SOURCE its labels"),
        (["--labels", "other.csv"], 2, "is a table of labels itself"),
    ],
)
def test_mistakes(
    flower_table: Source,
    tmp_path: Path,
    arguments: list[str],
    status: int,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = str(flower_table[0] / "labels.csv")
    columns = [] if "--label-column" in arguments else ["--label-column", "species"]
    assert main(["convert", source, str(tmp_path / "d"), *columns, *arguments]) == status
    assert message in capsys.readouterr().err
    left = {path.name for path in (tmp_path / "d").rglob("*") if path.is_file()}
    assert left == ({"leaks.txt", "lock"} if status == 4 else set())


@pytest.mark.parametrize("layout", LAYOUTS)
def test_inspect_and_verify(
    labelled: Callable[[str], Path], layout: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(labelled(layout))
    assert main(["inspect", folder]) == 0
    text = capsys.readouterr().out
    for line in (
        "species    int64, 3 classes",
        "tags       int64, 3 classes, any number of them",
        "height_cm  float64, float",
        "petals     int64, int",
        f"région     uint8, mask of its image's size, encoding {'raw' if 'raw' in layout else 'png'}",
        "note       string, text",
        "key        string, ",
    ):
        assert f"\n{line}" in text
    assert main(["verify", folder]) == 0


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_foreign_parser_reads_our_shards(
    labelled: Callable[[str], Path], layout: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = labelled(layout)
    shard = read_manifest(folder).splits["train"].shards[0]
    report = inspect_file(folder / shard.file)
    (tmp_path / "parser.py").write_text(report.parser)
    monkeypatch.setattr(sys, "path", [*sys.path])
    found = runpy.run_path(str(tmp_path / "parser.py"))
    if "hdf5" in layout:
        assert found["species"].shape == (shard.examples,)
        return
    examples = list(found["dataset"])
    assert len(examples) == shard.examples
    assert {"image", "species", "tags", "height_cm", "petals", "région", "note", "key"} <= set(examples[0])
    if layout == "tfrecord":
        assert examples[0]["région"].shape[:2] == examples[0]["image"].shape[:2]
        assert examples[0]["région"].shape[2] == 1  # grey as stored, not spread over three channels
