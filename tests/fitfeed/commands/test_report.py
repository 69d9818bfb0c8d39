"""`fitfeed report`: what it prints, its errors and their statuses."""

import json
from pathlib import Path

import pytest

from fitfeed.cli import main


def test_what_is_printed(gray: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "r.html"
    assert main(["report", str(gray), "-o", str(file)]) == 0
    first, *findings = capsys.readouterr().err.splitlines()
    assert first == f"{file}: {file.stat().st_size / 1024:.1f} KiB. Open it in a browser."
    assert main(["report", str(gray), "-o", str(file), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document == {"file": str(file), "bytes": file.stat().st_size, "findings": findings}
    assert main(["report", str(gray), "-o", str(file), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    assert file.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("r.pdf", "-o expects a name that ends in .html, .htm. Received: r.pdf"),
        ("nowhere/r.html", "the folder nowhere does not exist. Received: -o nowhere/r.html. Make it first."),
        ("folder.html", "-o expects a file, and this is a folder. Received: folder.html"),
    ],
)
def test_wrong_names(
    name: str,
    message: str,
    gray: Path,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "folder.html").mkdir()
    monkeypatch.chdir(tmp_path)
    assert main(["report", str(gray), "-o", name]) == 2
    assert message in capsys.readouterr().err


def test_no_dataset(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["report", str(tmp_path / "nothing"), "-o", str(tmp_path / "r.html")]) == 2
    assert "nothing" in capsys.readouterr().err
    assert not (tmp_path / "r.html").exists()
