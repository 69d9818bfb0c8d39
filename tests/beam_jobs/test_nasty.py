"""All hostile files in one conversion: each gets the verdict that `expected.csv` says, twice.

Two folders are judged by others besides: containers are no images, and `tests/converters/test_foreign.py`
has `inspect` judge them; what is right for duplicates depends on their splits and labels, which
`tests/beam_jobs/test_duplicates.py` gives them.
"""

import csv
import json
import shutil
from pathlib import Path

from fitfeed.cli import main
from fitfeed.converters.images.heif import heif_formats
from fitfeed.converters.options import ConvertOptions
from fitfeed.schemas.index import Index
from tests.folders import contents
from tests.without_beam import convert


def test_every_hostile_file_gets_its_verdict(nasty: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(nasty, source)
    before = contents(source)
    convert(source, tmp_path / "first", ConvertOptions(split_folders={}), max_bad=1.0)
    arguments = ["--max-bad", "100%", "--split-folders", "none", "--quiet"]
    assert main(["convert", str(source), str(tmp_path / "second"), *arguments]) == 0
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
    expected = {row["path"]: row["reason"] if row["handling"] == "reject" else "accepted" for row in rows}
    assert len(expected) == 136
    if heif_formats():
        expected["formats/photo.heic"] = "accepted"
    for path in expected:
        if path.startswith("containers/"):
            expected[path] = "ignored"  # no images
        elif path.startswith("duplicates/"):
            expected[path] = "accepted"  # in one folder and one split, they are neither leaks nor conflicts
    assert verdicts == expected
