"""A table as other programs write it: the same dataset as the plain one, up to date whichever way it is read."""

from pathlib import Path

import pytest

from fitfeed.cli import main
from fitfeed.schemas.manifest import read_manifest
from tests.folders import contents


def write(table: Path, source: Path, separator: str, encoding: str) -> None:
    rows = [("path", "Label")]
    for path in sorted(source.rglob("*.jpg")):
        label = "Käse" if path.parent.name == "dress" else "Hut"
        rows.append((f"{source.name}\\{path.parent.name}\\{path.name}", label))
    table.write_text("\r\n".join(separator.join(row) for row in rows), encoding=encoding, newline="")


@pytest.mark.usefixtures("no_beam")
def test_the_same_dataset_from_any_table(
    few_photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, dataset = tmp_path / "t.csv", tmp_path / "dataset"
    command = ["convert", str(few_photos), str(dataset), "--labels", str(table), "--label-column", "label"]
    write(table, few_photos, ";", "cp1252")
    assert main(command) == 2
    assert "--table-encoding cp1252" in capsys.readouterr().err
    told = [*command, "--table-encoding", "cp1252", "--table-separator", ";"]
    assert main(told) == 0
    assert read_manifest(dataset).class_names == ["Hut", "Käse"]
    before = contents(dataset)
    capsys.readouterr()
    for separator, encoding, options in (
        (";", "cp1252", told),
        ("\t", "utf-16", command),
        (",", "utf-8", command),
    ):
        write(table, few_photos, separator, encoding)
        assert main(options) == 0
        assert "is up to date" in capsys.readouterr().out
    assert contents(dataset) == before
    assert not {"table_encoding", "table_separator"} & set(read_manifest(dataset).options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--table-encoding", "cp1252"], "--table-encoding needs a table of labels"),
        (["--table-separator", "tab"], "--table-separator needs a table of labels"),
        (["--labels", "t.csv", "--table-encoding", "utf-9"], "there is no such encoding"),
        (["--labels", "t.csv", "--table-separator", "::"], "must be one character"),
    ],
)
def test_mistakes(
    few_photos: Path, tmp_path: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["convert", str(few_photos), str(tmp_path / "d"), *options]) == 2
    assert message in capsys.readouterr().err
