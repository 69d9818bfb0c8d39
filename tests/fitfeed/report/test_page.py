"""The whole page: its numbers are those of `inspect --json`, and nothing leaves it or runs in it."""

import json
import re
from pathlib import Path

import pytest
from PIL import Image

from fitfeed.cli import main
from fitfeed.output.training_lines import training_lines
from fitfeed.pipelines import open_dataset
from fitfeed.report.findings import NOTHING
from fitfeed.report.page import report_page
from tests.fitfeed.report.test_elements import Reader
from tests.labelled import make_source, options
from tests.without_beam import convert

HOSTILE = "<script>alert(1)</script>"


def text_of(page: str) -> str:
    return "\n".join(Reader(page).texts)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("report")
    for name in ("rose", "<b>tulip", 'x" onerror="alert(2)'):
        (root / "source" / name).mkdir(parents=True)
        for number in range(6):
            side = 20 + number
            Image.effect_noise((side, 24), 10 + 10 * number + len(name)).save(
                root / "source" / name / f"{number}.png"
            )
    (root / "source" / "rose" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    (root / "source" / "rose" / "twice.png").write_bytes((root / "source" / "rose" / "1.png").read_bytes())
    convert(root / "source", root / "out", {"split": {"train": 0.7, "validation": 0.3}}, max_bad=1)
    return root / "out"


def test_every_number_is_that_of_inspect(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(folder), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    text = text_of(report_page(open_dataset(folder), "flowers").html)
    assert facts["fingerprint"] in text
    for name, split in facts["splits"].items():
        assert name in text
        for label, count in split["class_counts"].items():
            assert re.search(rf"\d {re.escape(label)}\n(.*\n)*?{count}\n", text), (label, count)
        for side in ("width", "height"):
            extent = split[side]
            assert " / ".join(str(extent[part]) for part in ("min", "p5", "median", "p95", "max")) in text
    for value in (*facts["statistics"]["mean"], *facts["statistics"]["std"]):
        assert f"{value:.3f}" in text
    assert f"{facts['statistics']['pixels']:,} pixels" in text
    assert facts["rejects"] == {"corrupt": 1} or sum(facts["rejects"].values()) == 1
    assert f"within a split\n{facts['duplicates']['within']}\n" in text
    assert facts["duplicates"]["within"] == 1
    assert facts["source"]["digest"] in text


def test_names_are_shown_and_never_run(folder: Path) -> None:
    page = report_page(open_dataset(folder), HOSTILE).html
    read = Reader(page)
    assert not {"script", "b", "iframe", "link", "object", "form"} & set(read.tags)
    assert not [name for name in read.attributes if name.startswith("on")]
    assert HOSTILE in read.texts
    assert any("<b>tulip" in text for text in read.texts)
    assert not re.search(r"(?:src|href)=\"(?!data:image/jpeg;base64,|#)", page)
    assert "http" not in re.sub(r"base64,[A-Za-z0-9+/=]*|http-equiv", "", page)
    assert "url(" not in page


def test_what_stands_out_comes_first(folder: Path) -> None:
    page = report_page(open_dataset(folder), "flowers")
    assert "1 file was rejected when it was made." in page.findings
    assert page.findings[-1].startswith("1 example has the pixels of another one of the split")
    text = text_of(page.html)
    assert text.index("1 file was rejected") < text.index("The dataset")
    assert "rose/broken.png: " in text
    assert "Pairs that duplicates.arrow lists: 1 with equal pixels." in text
    assert page.html.count("equal pixels</figcaption>") == 1


def test_the_lines_that_train_are_lines_of_the_page(folder: Path) -> None:
    dataset = open_dataset(folder)
    text = text_of(report_page(dataset, "flowers").html)
    _, *lines = training_lines("flowers", dataset.manifest)
    assert "\n".join(line.removeprefix("  ") for line in lines) in text


def test_a_damaged_example_is_named_and_the_rest_is_shown(folder: Path, tmp_path: Path) -> None:
    dataset = tmp_path / "out"
    dataset.mkdir()
    for file in folder.iterdir():
        (dataset / file.name).write_bytes(file.read_bytes())
    opened = open_dataset(dataset)
    shard = dataset / opened.splits["train"].shards[0].file
    content = bytearray(shard.read_bytes())
    content[int(opened.records("train").index.offset[0]) + 40] ^= 1
    shard.write_bytes(content)
    page = report_page(open_dataset(dataset), "flowers")
    assert page.findings[0].startswith("An example is damaged: ")
    assert text_of(page.html).count("damaged\n") >= 1
    assert page.html.count("data:image/jpeg") > 10


def test_a_dataset_with_labels_of_all_kinds_and_without_the_table_of_duplicates(tmp_path: Path) -> None:
    make_source(tmp_path)
    convert(tmp_path / "labels.csv", tmp_path / "out", options("tfrecord"))
    (tmp_path / "out" / "duplicates.arrow").unlink()
    page = report_page(open_dataset(tmp_path / "out"), "kinds")
    text = text_of(page.html)
    assert "duplicates.arrow is not there, so pairs are not shown." in text
    assert "région (mask)" in text
    assert "Values of région" in text


def test_where_nothing_stands_out_the_page_says_what_was_looked_for(few_photos: Path, tmp_path: Path) -> None:
    convert(few_photos, tmp_path / "out")
    page = report_page(open_dataset(tmp_path / "out"), "photos")
    assert page.findings == []
    assert NOTHING in text_of(page.html)
