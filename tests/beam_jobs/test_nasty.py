"""All hostile files in one conversion: each gets the verdict that `expected.csv` says, twice."""

import csv
import json
import shutil
from pathlib import Path

from beam_jobs import convert
from schemas.index import Index
from tests.folders import contents


def test_every_hostile_file_gets_its_verdict(nasty: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(nasty, source, ignore=shutil.ignore_patterns("containers", "duplicates"))
    before = contents(source)
    for name in ("first", "second"):
        convert(source, tmp_path / name, max_bad=1.0)
    dataset = tmp_path / "first"
    assert contents(tmp_path / "second") == contents(dataset)
    assert contents(source) == before

    index = Index(dataset / "train.index.arrow")
    verdicts = {index.path(row): "accepted" for row in range(len(index))}
    for line in (dataset / "rejects.jsonl").read_text(encoding="utf-8").splitlines():
        reject = json.loads(line)
        assert reject["path"] not in verdicts
        assert reject["detail"]
        verdicts[reject["path"]] = reject["reason"] if reject["handling"] == "rejected" else "ignored"
    assert verdicts.pop("expected.csv") == "ignored"
    rows = csv.DictReader((nasty / "expected.csv").read_text(encoding="utf-8").splitlines())
    assert verdicts == {
        row["path"]: row["reason"] if row["handling"] == "reject" else "accepted"
        for row in rows
        if not row["path"].startswith(("containers/", "duplicates/"))
    }
